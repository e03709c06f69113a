/**
 * The TLS side of one connection: the puzzle that may come before it, the handshake, what the client's certificate leads
 * to, and the socket until its end.
 */
import type { TLSSocket, TLSSocketOptions } from 'node:tls';
import type { PosedPuzzle } from '../challenge/puzzle/puzzle.ts';
import { type ClientCertificate, NO_CERTIFICATE } from '../identity/client-certificate.ts';
import { forwardedCertificate } from '../identity/forwarded.ts';
import { alertRecord } from '../orchestrator/alert.ts';
import { setCertificateFacts } from '../orchestrator/certificate-facts.ts';
import { type Allowed, divergence, type Offered, offeredIn } from '../orchestrator/divergence.ts';
import { nameNegotiated } from '../orchestrator/negotiated.ts';
import { sessionContext } from '../orchestrator/ticket-keys.ts';
import type { Policy } from '../pdl/ir.ts';
import { admit } from './admission.ts';
import { ClientIdentity, type Ending, NO_CERTIFICATE_SHOWN } from './client-identity.ts';
import type { Connection } from './connection.ts';
import type { EdgeLoop } from './loop.ts';
import type { ServerTls } from './openssl.ts';
import { MAX_OVERHEAD_BYTES, Overhead } from './overhead.ts';
import type { Transport } from './transport.ts';
import type { Wire, WiredTls } from './wire.ts';

/** What a handshake must come to. */
interface Expected {
  readonly offered: Offered;
  readonly allowed: Allowed;
}

export class Handshake {
  readonly #connection: Connection;
  readonly #loop: EdgeLoop;
  readonly #transport: Transport;
  readonly #policy: Policy;
  /** What the hello offered; the core holds it no longer when it is asked for. */
  readonly #offered: Offered;
  #timer: NodeJS.Timeout | null = null;
  /** The TCP connection below TLS. */
  #wire: Wire | null = null;
  #tls: TLSSocket | null = null;
  #identity: ClientIdentity | null = null;
  #forwarded: string | null = null;
  /** Ends the wait for a puzzle's solution. */
  #forgetPuzzle: (() => void) | null = null;
  /** From the end of the handshake on. */
  #overhead: Overhead | null = null;
  /** It is counted among those under way. */
  #isCounted = false;
  #ended = false;

  /** For a connection whose hello was just decided. */
  constructor(connection: Connection, loop: EdgeLoop, transport: Transport, policy: Policy) {
    this.#connection = connection;
    this.#loop = loop;
    this.#transport = transport;
    this.#policy = policy;
    this.#offered = offeredIn(loop.engine.core, connection.record.hello!);
  }

  /** The TCP connection, once TLS has it. */
  get wire(): Wire | null {
    return this.#wire;
  }

  begin(): void {
    const puzzle = this.#loop.puzzles.plan(this.#connection);
    if (puzzle === 'nowhere') this.#refuseUnasked();
    else if (puzzle === 'later') this.#shake(null);
    else this.#askFirst(puzzle);
  }

  /** There is no place to pose the challenge of the policy in: the client does not do what it takes. */
  #refuseUnasked(): void {
    const { record, verdict } = this.#connection;
    record.challenge = { name: verdict!.challenge!.name, outcome: 'failed' };
    record.error = 'the client offers no puzzle that can be posed in its handshake';
    this.#connection.refuseBytes('refused', 'missing_extension');
  }

  /** Has the client solve a puzzle before any TLS work is spent on it. */
  #askFirst(posed: PosedPuzzle): void {
    const { puzzles, engine } = this.#loop;
    this.#forgetPuzzle = puzzles.wait({
      connection: this.#connection,
      transport: this.#transport,
      posed,
      consumed: engine.core.hello.consumed,
      leftMs: this.#left(),
      onEnd: (end) => {
        if (end === null) return this.#shake(posed);
        this.#connection.countFailure();
        this.#connection.record.alert = end.alert;
        if (end.alert === null) this.#transport.reset();
        else this.#transport.finish(alertRecord(end.alert));
        this.#connection.end(end.outcome, end.error);
      },
    });
  }

  /** Milliseconds until the handshake's deadline. */
  #left(): number {
    const deadline = Math.min(this.#policy.handshake.timeoutMs, this.#loop.config.limits.handshakeTimeout);
    return Math.max(1, deadline - (performance.now() - this.#connection.startedAt));
  }

  /** @param solved The puzzle that the client was asked in this handshake, and has solved. */
  #shake(solved: PosedPuzzle | null): void {
    const loop = this.#loop;
    const policy = this.#policy;
    const connection = this.#connection;
    const { config } = loop;
    // why: a client that waited for a solution cost little; it is counted once it has found one.
    const noRoom = this.#admit();
    if (noRoom !== null) return connection.turnAway('over_capacity', noRoom);
    const { listener, client } = connection;
    const { sni } = client;
    const certificates = loop.certificatesFor(listener, policy.tls.certificate, sni);
    const alpn = policy.tls.alpn.length > 0 ? policy.tls.alpn : listener.config.alpn;
    const { clientCert } = policy;
    if (clientCert) {
      const version = Math.min(policy.tls.maxVersion, connection.record.hello!.maxVersion);
      this.#identity = new ClientIdentity(loop.certificates, clientCert, connection, version);
    }
    const allowed = { tls: policy.tls, alpn, floor: config.tls.minVersion };
    const context = loop.contexts.for(policy, certificates, solved !== null);
    const wrap = (options: TLSSocketOptions): WiredTls => this.#transport.takeTls(options);
    const sessions = sessionContext(sni);
    const { ocspStapling } = policy.tls;
    const server = loop.openssl.accept(wrap, context, alpn, sessions, this.#identity, ocspStapling);
    loop.adopted(connection.slot);
    const { tls } = server;
    this.#tls = tls;
    this.#wire = server.wire;
    if (solved !== null) loop.openssl.resumePuzzle(server, solved);
    this.#timer = setTimeout(() => {
      connection.record.outcome = 'handshake_timeout';
      tls.destroy();
    }, this.#left());
    tls.on('error', (error) => this.#onTlsError(error));
    tls.once('secure', () => this.#onSecure(server, { offered: this.#offered, allowed }));
    tls.once('close', () => this.#onClose());
  }

  /** Counts its handshake among those under way: null, or why there is no room for it. */
  #admit(): string | null {
    const { inflight, config, engine } = this.#loop;
    const badness = engine.badnessOf(this.#connection.verdict!);
    const noRoom = admit(inflight, this.#policy, config.limits.handshakes, badness);
    this.#isCounted = noRoom === null;
    return noRoom;
  }

  #onTlsError(error: NodeJS.ErrnoException): void {
    if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') {
      const alert = this.#tls?.getProtocol() === 'TLSv1.3' ? 'certificate_required' : 'handshake_failure';
      this.#connection.recordRefusal(alert, NO_CERTIFICATE_SHOWN);
    }
    const { record } = this.#connection;
    // why: a refusal of ours has its reason already.
    if (record.alert === null) record.error ??= error.code ?? error.message;
    if (record.tls === null && record.outcome === 'handshake_aborted') {
      record.outcome = error.code?.startsWith('ERR_SSL') ? 'handshake_failed' : 'handshake_aborted';
    }
    this.#tls?.destroy();
  }

  #leave(): void {
    if (!this.#isCounted) return;
    this.#loop.inflight.leave(this.#policy.name);
    this.#isCounted = false;
  }

  #onSecure(server: ServerTls, expected: Expected): void {
    const { tls } = server;
    // why: only `tls.Server` clears this mark, and an HTTP/2 session waits until it is cleared.
    Object.assign(tls, { secureConnecting: false });
    const connection = this.#connection;
    const { record } = connection;
    const negotiated = server.negotiated();
    record.tls = nameNegotiated(negotiated);
    const difference = divergence(negotiated, expected.offered, expected.allowed);
    if (difference !== null) {
      record.outcome = 'parser_divergence';
      record.error = difference;
      connection.countFailure();
      return void tls.destroy();
    }
    if (this.#identity !== null) {
      // why: OpenSSL is still in the handshake while it tells of its end.
      setImmediate(() => this.#identify(this.#identity!, server));
      return;
    }
    if (connection.isDecidedAt('cert')) {
      const { action } = connection.decideAt('cert', (core) =>
        setCertificateFacts(core, NO_CERTIFICATE, Date.now()),
      );
      if (action.action !== 'accept') {
        setImmediate(() => this.#endIdentified(server, action));
        return;
      }
    }
    this.#serve(tls);
  }

  #identify(identity: ClientIdentity, server: ServerTls): void {
    if (this.#ended || server.tls.destroyed) return;
    identity.settle(server.tls, server.verifyAgain, (ending) => {
      if (this.#ended || server.tls.destroyed) return;
      if (ending === null) this.#serve(server.tls);
      else this.#endIdentified(server, ending);
    });
  }

  /** Ends a connection before anything of it was served. */
  #endIdentified(server: ServerTls, ending: NonNullable<Ending>): void {
    const connection = this.#connection;
    clearTimeout(this.#timer ?? undefined);
    this.#leave();
    connection.countFailure();
    if (ending.action === 'refuse') {
      connection.recordRefusal(ending.alert, null);
      if (!server.refuse(ending.alert)) connection.record.alert = null;
      return;
    }
    connection.record.outcome = 'served';
    connection.turnAwayLate(ending);
  }

  /** What is known of the client's certificate; null when the policy asks for none. */
  get certificate(): ClientCertificate | null {
    return this.#identity?.certificate ?? null;
  }

  /** What upstreams are told of it, made once. */
  get forwardedCertificate(): string {
    this.#forwarded ??= this.#identity === null ? '' : forwardedCertificate(this.#identity.certificate);
    return this.#forwarded;
  }

  #serve(tls: TLSSocket): void {
    const connection = this.#connection;
    clearTimeout(this.#timer ?? undefined);
    this.#leave();
    connection.record.durationsUs.handshake = connection.age;
    connection.record.outcome = 'served';
    this.#overhead = new Overhead(this.#wire!.bytesRead);
    this.#loop.history.count('handshake', connection.client, Date.now());
    connection.listener.service.serve(connection, tls);
  }

  #onClose(): void {
    const tls = this.#tls!;
    const { record, client } = this.#connection;
    record.bytesIn = tls.bytesRead;
    record.certificate = this.certificate?.attributes ?? null;
    record.bytesOut = tls.bytesWritten;
    if (record.tls === null) this.#connection.countFailure();
    this.#loop.history.transferred(tls.bytesRead + tls.bytesWritten, client, Date.now());
    this.#connection.end(record.outcome, record.error);
  }

  /** Ends it when its client keeps TLS busy without sending data. Called now and then. */
  look(): void {
    const [wire, tls] = [this.#wire, this.#tls];
    if (this.#overhead === null || wire === null || tls === null) return;
    if (this.#overhead.since(wire.bytesRead, tls.bytesRead) <= MAX_OVERHEAD_BYTES) return;
    this.#connection.fail('tls_flood', null);
    wire.reset();
  }

  /** Ends its socket now. */
  destroy(): void {
    this.#tls?.destroy();
  }

  /** The connection is over. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer ?? undefined);
    this.#leave();
    this.#forgetPuzzle?.();
  }
}
