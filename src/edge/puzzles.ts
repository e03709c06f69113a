/**
 * Puzzles in the handshake, of one thread: which clients are to solve one, the wait for their second hello,
 * and what becomes of them. A client waits with the few kilobytes of a TLS connection, and no key exchange.
 */
import { helloParts } from '../challenge/puzzle/hello-parts.ts';
import { HandshakePuzzle, type PosedPuzzle, type PuzzleFailure } from '../challenge/puzzle/puzzle.ts';
import type { Core } from '../core/core.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { History } from '../orchestrator/history.ts';
import type { Challenge } from '../pdl/ir.ts';
import { ALERTS } from '../pdl/registry/iana.ts';
import type { Connection } from './connection.ts';
import { HoldingPen } from './holding.ts';
import type { OpenSsl, ServerTls } from './openssl.ts';

/** Alerts that end a handshake (RFC 8446 section 6.2). */
const FAILURE_ALERT: Readonly<Record<PuzzleFailure, string>> = {
  malformed: 'handshake_failure',
  hello_changed: 'illegal_parameter',
  missing: 'handshake_failure',
  wrong_type: 'illegal_parameter',
  solution_wrong: 'illegal_parameter',
};

const FAILURE_TEXT: Readonly<Record<PuzzleFailure, string>> = {
  malformed: 'the second hello cannot be read',
  hello_changed: 'the second hello is not that of the same client',
  missing: 'the second hello has no solution',
  wrong_type: 'the second hello solves another puzzle',
  solution_wrong: 'the solution of the puzzle is wrong',
};

export interface PuzzlesOptions {
  readonly core: Core;
  readonly history: History;
  readonly openssl: OpenSsl;
  /** Type of the TLS extension. */
  readonly extension: number;
  /** Connections that may wait; one more makes the oldest leave. */
  readonly capacity: number;
}

export class Puzzles {
  readonly #options: PuzzlesOptions;
  readonly #waiting: HoldingPen;
  readonly #bits = new Uint16Array(1);
  readonly #puzzles = new WeakMap<Challenge, HandshakePuzzle>();

  constructor(options: PuzzlesOptions) {
    this.#options = options;
    this.#waiting = new HoldingPen(options.capacity);
  }

  /** Connections that wait for a solution. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Prepares the challenges of a bundle. */
  load({ program, secrets }: Bundle): void {
    const { extension } = this.#options;
    for (const challenge of program.challenges) {
      if (!challenge.deliver?.includes('handshake')) continue;
      const secret = secrets[challenge.secret]!;
      const zeroBits = this.#zeroBits;
      this.#puzzles.set(
        challenge,
        new HandshakePuzzle({ secret, name: challenge.name, extension, zeroBits }),
      );
    }
  }

  #zeroBits = (message: Uint8Array): number =>
    this.#options.core.leadingZeroBitsOf([message], this.#bits) === 0 ? this.#bits[0]! : 0;

  /**
   * How a connection whose hello was just decided meets its challenge: in the handshake, later, or (`nowhere`) not
   * at all, because it neither offers the extension nor gets to a place where it could be asked again.
   */
  plan(connection: Connection): PosedPuzzle | 'later' | 'nowhere' {
    const { verdict, listener } = connection;
    const challenge = verdict?.challenge ?? null;
    const puzzle = challenge === null ? undefined : this.#puzzles.get(challenge);
    if (challenge === null || puzzle === undefined || connection.isCleared()) return 'later';
    const places = challenge.deliver!.filter((place) => place === 'handshake' || listener.service.posesPages);
    if (places[0] !== 'handshake') return 'later';
    return this.#pose(connection, puzzle) ?? (places.length > 1 ? 'later' : 'nowhere');
  }

  #pose({ verdict, facts, record }: Connection, puzzle: HandshakePuzzle): PosedPuzzle | null {
    const { core, openssl } = this.#options;
    const { tls } = verdict!.policy!;
    const canRetry = openssl.posesPuzzles && core.hello.maxVersion === TLS13 && tls.maxVersion === TLS13;
    const hello = canRetry ? helloParts(core.hello.body) : null;
    if (hello === null) return null;
    const client = { connection: record.id, ip: facts.ip, port: facts.port };
    return puzzle.pose(hello, tls.groups, verdict!.difficulty, client);
  }

  /** Poses it in a handshake that has not begun; it fails unless the second hello brings the solution. */
  pose(connection: Connection, posed: PosedPuzzle, server: ServerTls): void {
    const { openssl } = this.#options;
    const challenge = connection.verdict!.challenge!;
    const { record } = connection;
    record.challenge = { name: challenge.name, outcome: 'posed' };
    this.#options.history.count('challenge', connection.client, Date.now());
    const wait = {
      release: (reason: 'expired' | 'evicted' | 'stopped'): void => {
        record.outcome = reason === 'expired' ? 'handshake_timeout' : 'over_capacity';
        record.error = `no solution came: the wait ${reason === 'expired' ? 'is over' : 'ended for others'}`;
        server.tls.destroy();
      },
    };
    this.#waiting.hold(wait, challenge.solveWithinMs);
    server.tls.once('close', () => this.#waiting.forget(wait));
    openssl.posePuzzle(server, posed.group, posed.extension, (message) => {
      this.#waiting.forget(wait);
      return this.#judge(connection, challenge, posed, message);
    });
  }

  /** 0, or the alert for a client that solved its puzzle when there is no room for its handshake. */
  #admit(connection: Connection): number {
    const noRoom = connection.admit();
    if (noRoom === null) return 0;
    const { record } = connection;
    record.outcome = 'over_capacity';
    record.alert = 'internal_error';
    record.error = noRoom;
    return ALERTS[record.alert]!;
  }

  /** The alert for a second hello; 0: it brings the solution. */
  #judge(connection: Connection, challenge: Challenge, posed: PosedPuzzle, message: Uint8Array): number {
    const { history } = this.#options;
    const { record, client } = connection;
    const failure = this.#puzzles.get(challenge)!.judge(posed, message);
    if (failure === null) {
      connection.clear(challenge);
      history.solved(client, Date.now());
      record.challenge = { name: challenge.name, outcome: 'solved' };
      return this.#admit(connection);
    }
    record.challenge = { name: challenge.name, outcome: 'failed' };
    record.outcome = 'refused';
    record.alert = FAILURE_ALERT[failure];
    record.error = FAILURE_TEXT[failure];
    history.count('challenge_fail', client, Date.now());
    return ALERTS[record.alert]!;
  }
}

const TLS13 = 0x0304;
