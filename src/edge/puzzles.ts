/**
 * Puzzles in the handshake, of one thread: which clients are to solve one, the wait for their second hello, and what
 * becomes of them. The HelloRetryRequest is sent, and what it brings judged, before any TLS object is made: a client
 * that does not solve costs a descriptor, and no key exchange.
 */
import type { Outcome } from '../audit/record.ts';
import { helloParts } from '../challenge/puzzle/hello-parts.ts';
import { HandshakePuzzle, type PosedPuzzle, type PuzzleFailure } from '../challenge/puzzle/puzzle.ts';
import { type SecondFlight, secondFlight } from '../challenge/puzzle/second-flight.ts';
import type { Core } from '../core/core.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { History } from '../orchestrator/history.ts';
import type { Challenge } from '../pdl/ir.ts';
import { ALERTS } from '../pdl/registry/iana.ts';
import type { Connection } from './connection.ts';
import type { HelloEnd } from './hello-reader.ts';
import { HoldingPen } from './holding.ts';
import type { Transport } from './transport.ts';

const TLS13 = 0x0304;

/** How a wait for a solution ended; `alert` is what the client is told, null: nothing. */
export interface PuzzleEnd {
  readonly outcome: Outcome;
  readonly alert: string | null;
  readonly error: string;
}

const FAILURES: Readonly<Record<PuzzleFailure, Omit<PuzzleEnd, 'outcome'>>> = {
  malformed: { alert: 'decode_error', error: 'the second hello cannot be read' },
  hello_changed: { alert: 'illegal_parameter', error: 'the second hello is not that of the same client' },
  missing: { alert: 'missing_extension', error: 'the second hello has no solution' },
  wrong_type: { alert: 'illegal_parameter', error: 'the second hello solves another puzzle' },
  solution_wrong: { alert: 'illegal_parameter', error: 'the solution of the puzzle is wrong' },
};

const TIMED_OUT: PuzzleEnd = { outcome: 'handshake_timeout', alert: null, error: 'no solution came in time' };
const EVICTED: PuzzleEnd = {
  outcome: 'over_capacity',
  alert: null,
  error: 'no solution came before others took the place',
};
const CLOSED: PuzzleEnd = {
  outcome: 'client_closed',
  alert: null,
  error: 'the client left when it was asked to solve a puzzle',
};
const TOO_LARGE: PuzzleEnd = {
  outcome: 'hello_too_large',
  alert: 'record_overflow',
  error: 'the second hello is too large',
};
const UNEXPECTED: PuzzleEnd = {
  outcome: 'refused',
  alert: 'unexpected_message',
  error: 'the client answers the puzzle with something else',
};

export interface PuzzlesOptions {
  readonly core: Core;
  readonly history: History;
  /** Whether a handshake can be gone on with once its puzzle is solved. */
  readonly isPossible: boolean;
  /** Type of the TLS extension. */
  readonly extension: number;
  /** Connections that may wait; one more makes the oldest leave. */
  readonly capacity: number;
  /** Bytes that a second hello may have, records included. */
  readonly maxBytes: number;
}

export interface PuzzleWait {
  readonly connection: Connection;
  readonly transport: Transport;
  readonly posed: PosedPuzzle;
  /** Bytes of the first hello, which are in the queue still. */
  readonly consumed: number;
  /** Until the handshake's own deadline, in milliseconds. */
  readonly leftMs: number;
  /** Called once; null: solved. */
  readonly onEnd: (end: PuzzleEnd | null) => void;
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
    const { core, isPossible } = this.#options;
    const { tls, extensions } = verdict!.policy!;
    // why: the flight that asks is made here, with the puzzle's extension and no other.
    const isPlain = !extensions?.send.some(({ message }) => message === 'hello_retry_request');
    const canRetry = isPossible && isPlain && core.hello.maxVersion === TLS13 && tls.maxVersion === TLS13;
    const hello = canRetry ? helloParts(core.hello.body) : null;
    if (hello === null) return null;
    const client = { connection: record.id, ip: facts.ip, port: facts.port };
    return puzzle.pose(hello, tls, verdict!.difficulty, client);
  }

  /** Asks the client for the solution. Returns what gives up the wait without a call of `onEnd`. */
  wait({ connection, transport, posed, consumed, leftMs, onEnd }: PuzzleWait): () => void {
    const challenge = connection.verdict!.challenge!;
    const { record } = connection;
    record.challenge = { name: challenge.name, outcome: 'posed' };
    this.#options.history.count('challenge', connection.client, Date.now());
    const held = { release: (reason: string): void => onEnd(reason === 'evicted' ? EVICTED : TIMED_OUT) };
    const forget = (): void => this.#waiting.forget(held);
    if (!transport.send(posed.flight)) {
      onEnd(CLOSED);
      return forget;
    }
    let flight: SecondFlight = { kind: 'more' };
    const parse = (bytes: Uint8Array, length: number): number => {
      flight = secondFlight(Buffer.from(bytes.buffer, bytes.byteOffset + consumed, length - consumed));
      return flight.kind === 'more' ? 1 : 0;
    };
    const timeoutMs = Math.max(1, Math.min(challenge.solveWithinMs, leftMs));
    const options = { maxBytes: consumed + this.#options.maxBytes, seen: consumed, timeoutMs, parse };
    this.#waiting.hold(held, timeoutMs);
    transport.readHello(options, (end) => {
      forget();
      onEnd(this.#endOf(end, flight, connection, challenge, posed));
    });
    return forget;
  }

  #endOf(
    end: HelloEnd,
    flight: SecondFlight,
    connection: Connection,
    challenge: Challenge,
    posed: PosedPuzzle,
  ): PuzzleEnd | null {
    if (end === 'timeout') return TIMED_OUT;
    if (end === 'too_large') return TOO_LARGE;
    if (end !== 'complete') return CLOSED;
    if (flight.kind === 'alert') {
      const name = Object.keys(ALERTS).find((each) => ALERTS[each] === flight.description);
      return {
        outcome: 'handshake_failed',
        alert: null,
        error: `the client gave up: alert ${name ?? flight.description}`,
      };
    }
    if (flight.kind !== 'hello') return UNEXPECTED;
    const failure = this.#puzzles.get(challenge)!.judge(posed, flight.message);
    connection.record.challenge = { name: challenge.name, outcome: failure === null ? 'solved' : 'failed' };
    if (failure === null) {
      connection.clear(challenge);
      this.#options.history.solved(connection.client, Date.now());
      return null;
    }
    this.#options.history.count('challenge_fail', connection.client, Date.now());
    return { outcome: 'refused', ...FAILURES[failure] };
  }
}
