/**
 * The decision engine as a library: a Node server that owns its sockets asks it what to do with each
 * client, before it spends TLS work on it.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/module.ts';
import { statusName } from '../core/status.ts';
import { loadAddon } from '../edge/addon.ts';
import { readHello } from '../edge/hello-reader.ts';
import { HoldingPen } from '../edge/holding.ts';
import { OpenSsl } from '../edge/openssl.ts';
import { SocketTransport } from '../edge/transport.ts';
import { alertRecord } from '../orchestrator/alert.ts';
import { type Client, clientAtHello } from '../orchestrator/client.ts';
import { clock } from '../orchestrator/clock.ts';
import { type CompileOutcome, compilePolicyFile } from '../orchestrator/compile-policy.ts';
import { ContextPool } from '../orchestrator/context-pool.ts';
import { type ConnectionFacts, Engine } from '../orchestrator/engine.ts';
import { handshakeRate } from '../orchestrator/handshake-rate.ts';
import { helloExcess } from '../orchestrator/hello-limits.ts';
import { History } from '../orchestrator/history.ts';
import { unknownFacts } from '../orchestrator/host.ts';
import { parseIp } from '../orchestrator/ip.ts';
import { systemLoad } from '../orchestrator/load.ts';
import { Modes } from '../orchestrator/modes.ts';
import {
  createSharedTables,
  openTables,
  type SharedTables,
  type Tables,
} from '../orchestrator/shared-tables.ts';
import type { Verdict } from '../orchestrator/verdict.ts';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { CountedEvent } from '../pdl/ir.ts';
import { type DatabaseFiles, loadDatabases } from '../profile/address/load-database.ts';
import { describe, type EngineDecision, summarizeHello, undecided } from './decision.ts';

/** Counters, limits, clearances and ticket keys: hand it to the engines of other threads to share them. */
export interface EngineState extends SharedTables {
  /** 32 random bytes that every ticket key is derived from. */
  readonly ticketMaster: Uint8Array;
}

export interface EngineOptions {
  /** Path of the policy file. */
  readonly policy: string;
  /** Names that `listen` may use in the policy; any when absent. */
  readonly listeners?: readonly string[];
  /** State of another engine of this process; a new one when absent. */
  readonly state?: EngineState;
  /** Largest ClientHello in bytes, records included. Default 16,384. */
  readonly maxHelloBytes?: number;
  /** How long `look` waits for a whole ClientHello, in milliseconds. Default 5,000. */
  readonly helloTimeoutMs?: number;
  /** Clients that `turnAway` holds at once, in tarpits and drops; one more lets the oldest go. Default 1,024. */
  readonly maxHeld?: number;
  /** Paths of MaxMind databases for `conn.country` and `conn.asn`; each engine reads its own copy. Default: none. */
  readonly geo?: { readonly country?: string; readonly asn?: string };
}

/** What a server knows of a client besides its ClientHello. */
export interface ClientDescription {
  /** Textual IPv4 or IPv6 address, as `socket.remoteAddress` has it. */
  readonly ip: string;
  readonly port?: number;
  /** The listener's name in the policy. Default: the first that the policy mentions. */
  readonly listener?: string;
  /** IP and TCP headers of the SYN. */
  readonly syn?: Uint8Array;
  readonly rttUs?: number;
  /** Milliseconds since the epoch. Default: now. */
  readonly nowMs?: number;
  /** Connections the server has open. Default 0. */
  readonly inflight?: number;
}

/** The policy cannot be used; `diagnostics` says where and why, `message` has the first of them. */
export class PolicyError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const first = diagnostics.find(({ severity }) => severity === 'error');
    super(
      first ? `${first.file}:${first.line}:${first.column}: ${first.message}` : 'the policy cannot be used',
    );
    this.name = 'PolicyError';
    this.diagnostics = diagnostics;
  }
}

const DEFAULTS = { maxHelloBytes: 16_384, helloTimeoutMs: 5_000, maxHeld: 1_024 } as const;
/** Shortest time between two looks at modes. */
const MODES_MS = 250;
/** How long a dropped client is held without an answer. */
const DROP_MS = 10_000;
const SLOTS = 1 << 16;
/** The lowest version that any policy may offer (RFC 8996 retires those before it). */
const FLOOR = 0x0303;
/** Sent after a full TLS 1.3 handshake, as OpenSSL does of itself. */
const TICKETS = 2;

export function createState(): EngineState {
  return {
    ...createSharedTables({
      rateSlots: SLOTS,
      bucketSlots: SLOTS,
      clearanceSlots: SLOTS,
      answerSlots: SLOTS,
      historySlots: SLOTS,
    }),
    ticketMaster: randomBytes(32),
  };
}

function filesOf({ geo }: EngineOptions): DatabaseFiles {
  return { country: geo?.country ?? null, asn: geo?.asn ?? null };
}

function compile(options: EngineOptions): CompileOutcome & { bundle: NonNullable<CompileOutcome['bundle']> } {
  const listeners = Object.fromEntries((options.listeners ?? []).map((name) => [name, null]));
  const unknown = unknownFacts({ geo: filesOf(options) });
  const host =
    options.listeners === undefined
      ? null
      : { listeners, certificates: [], upstreams: null, passthrough: {}, unknown };
  const outcome = compilePolicyFile({ path: options.policy, host, purpose: 'serve', env: process.env });
  if (outcome.bundle === null) throw new PolicyError(outcome.diagnostics);
  // why: only the edge judges certificates, and a demand that nobody looks at must not seem to be met.
  const asking = outcome.bundle.program.policies.find(({ clientCert }) => clientCert !== undefined);
  if (asking !== undefined) throw new PolicyError([certificatesAsked(asking.name, options.policy)]);
  return { ...outcome, bundle: outcome.bundle };
}

function certificatesAsked(policy: string, file: string): Diagnostic {
  const message = `policy ${policy} asks for client certificates, which the engine of the library does not judge`;
  const help = 'use createEdge, or write `client_cert off`';
  return fileProblem(file, 'LIB-001', message, help);
}

/** One for each thread; not to be shared between threads itself, see `EngineState`. */
export class PolicyEngine {
  /** Hand it to `createEngine` in another thread to count there and here together. */
  readonly state: EngineState;
  readonly #options: EngineOptions;
  readonly #engine: Engine;
  readonly #history: History;
  readonly #tables: Tables;
  readonly #modes = new Modes();
  #modesAtMs = 0;
  readonly #openssl = new OpenSsl(loadAddon().addon);
  readonly #pen: HoldingPen;
  readonly #verdicts = new WeakMap<EngineDecision, { readonly verdict: Verdict; readonly client: Client }>();
  #contexts: ContextPool;
  #epoch = 0;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.state = options.state ?? createState();
    this.#tables = openTables(this.state);
    this.#history = new History(this.#tables);
    this.#engine = new Engine(new Core(loadCoreModule()), this.#history);
    this.#engine.core.maxHelloBytes = options.maxHelloBytes ?? DEFAULTS.maxHelloBytes;
    this.#pen = new HoldingPen(options.maxHeld ?? DEFAULTS.maxHeld);
    this.#contexts = this.#newContexts();
    this.reload();
  }

  #newContexts(): ContextPool {
    return new ContextPool({
      make: this.#openssl.makeContext,
      masters: [this.state.ticketMaster],
      floor: FLOOR,
      tickets: TICKETS,
      trust: [],
      staples: new Map(),
    });
  }

  /** Hex SHA-256 that names the policy in force. */
  get imageId(): string {
    return this.#engine.bundle.imageId;
  }

  /**
   * Reads the policy, its feeds and the databases again and puts them in force; returns the compiler's warnings.
   * @throws PolicyError, and the policy in force stays.
   */
  reload(): readonly Diagnostic[] {
    const { bundle, diagnostics } = compile(this.#options);
    const { databases, diagnostics: refusals } = loadDatabases(filesOf(this.#options), Date.now());
    if (refusals.length > 0) throw new PolicyError(refusals);
    this.#epoch++;
    this.#engine.load(bundle, this.#epoch);
    this.#engine.useModes(this.#modes.load(bundle.program, Date.now()));
    this.#engine.useOrigins(databases);
    this.#contexts = this.#newContexts();
    return diagnostics;
  }

  /**
   * Decides about a client by its ClientHello: the bytes a TLS client sends first, record headers
   * included. Counts it in the policy's counters and draws on its limits. Never throws for what the
   * client sent: a hello that cannot be read is refused, and `error` says why.
   * @throws TypeError when `client.ip` is not an address.
   */
  decide(client: ClientDescription, hello: Uint8Array): EngineDecision {
    const facts = this.#facts(client);
    const status = this.#parse(facts, hello, hello.length);
    if (status === 0) return this.#decide(facts, 1, 0);
    const name = status < 0 ? statusName(status) : 'hello_incomplete';
    return undecided('refuse', 'decode_error', name, 'the ClientHello cannot be read');
  }

  /**
   * Waits for a client's ClientHello and decides. The hello is put back: the socket can be handed to
   * `new TLSSocket(socket, …)` as if nobody had read from it. The socket must be paused or fresh
   * (`net.createServer({ pauseOnConnect: true })`). A hello that does not come whole within its time
   * and size is turned away; the promise never rejects for what the client does.
   */
  look(socket: Socket, known: Partial<ClientDescription> = {}): Promise<EngineDecision> {
    const client = { ip: socket.remoteAddress ?? '', port: socket.remotePort ?? 0, ...known };
    if (parseIp(client.ip) === null) {
      return Promise.resolve(undecided('reset', null, 'client_closed', 'the client is gone'));
    }
    const facts = this.#facts(client);
    const options = {
      maxBytes: this.#options.maxHelloBytes ?? DEFAULTS.maxHelloBytes,
      timeoutMs: this.#options.helloTimeoutMs ?? DEFAULTS.helloTimeoutMs,
      parse: (bytes: Uint8Array, length: number): number => this.#parse(facts, bytes, length),
    };
    const started = performance.now();
    return new Promise((resolve) => {
      readHello(socket, options, (end, _length, reads) => {
        if (end === 'complete') resolve(this.#decide(facts, reads, performance.now() - started));
        else if (typeof end === 'number') {
          const message = 'the ClientHello cannot be read';
          resolve(undecided('refuse', 'decode_error', statusName(end), message));
        } else if (end === 'too_large') {
          resolve(
            undecided('refuse', 'record_overflow', 'hello_too_large', `more than ${options.maxBytes} bytes`),
          );
        } else if (end === 'timeout') {
          resolve(undecided('reset', null, 'hello_timeout', `not complete after ${options.timeoutMs} ms`));
        } else resolve(undecided('reset', null, 'client_closed', 'the client left before its hello'));
      });
    });
  }

  #facts(client: ClientDescription): ConnectionFacts {
    const address = parseIp(client.ip);
    if (address === null) throw new TypeError(`${JSON.stringify(client.ip)} is not an IP address`);
    return {
      listener: client.listener ?? this.#engine.program.sites[0]?.listeners[0] ?? '',
      ...address,
      port: client.port ?? 0,
      syn: client.syn ?? null,
      rttUs: client.rttUs ?? null,
      proxied: false,
      nowMs: client.nowMs ?? Date.now(),
      inflight: client.inflight ?? 0,
    };
  }

  /**
   * Holds a mode of the policy in a state, or with null lets it follow its conditions again, for this engine alone.
   * @returns false when the policy has no such mode or state.
   */
  setMode(name: string, state: string | null): boolean {
    return this.#modes.force(name, state, Date.now()) !== null;
  }

  /** Modes are looked at when a client comes, at most four times a second. */
  #updateModes({ inflight, nowMs }: ConnectionFacts): void {
    if (this.#engine.program.modes.length === 0 || nowMs - this.#modesAtMs < MODES_MS) return;
    this.#modesAtMs = nowMs;
    const handshakes = handshakeRate(this.#tables, nowMs);
    this.#modes.update({ inflight, handshakes, load: systemLoad(nowMs), ...clock(nowMs), nowMs });
  }

  #parse(facts: ConnectionFacts, bytes: Uint8Array, length: number): number {
    this.#updateModes(facts);
    this.#engine.begin(facts);
    return this.#engine.core.parse(bytes, 0, length, 'records', 'tls');
  }

  #decide(facts: ConnectionFacts, reads: number, completeInMs: number): EngineDecision {
    const engine = this.#engine;
    engine.setArrival(reads, Math.max(0, Date.now() - facts.nowMs) * 1_000);
    const client = clientAtHello(facts, engine.core.hello, engine.origin);
    const verdict = engine.decideHello(facts, client);
    const hello = summarizeHello(engine.core, engine.tlsClient?.name ?? null);
    const accepted = verdict.action.action === 'accept' ? verdict.policy : null;
    const excess = accepted && helloExcess(accepted.handshake, hello.bytes, completeInMs);
    if (excess) {
      const tooLarge = excess.limit === 'hello_too_large';
      const [action, alert] = tooLarge
        ? (['refuse', 'record_overflow'] as const)
        : (['reset', null] as const);
      return undecided(action, alert, excess.limit, excess.message);
    }
    const decision = describe(verdict, hello);
    this.#verdicts.set(decision, { verdict, client });
    return decision;
  }

  /**
   * Does what a decision other than `accept` says: sends the alert and closes, resets, or holds the
   * client without an answer. The socket is the engine's from here on.
   */
  turnAway(socket: Socket, decision: EngineDecision): void {
    const transport = new SocketTransport(socket);
    if (decision.action === 'refuse')
      return transport.finish(alertRecord(decision.alert ?? 'handshake_failure'));
    if (decision.action === 'reset' || decision.action === 'accept') return transport.reset();
    const held = { release: (): void => transport.reset() };
    transport.hold(() => this.#pen.forget(held));
    this.#pen.hold(held, decision.holdMs ?? DROP_MS);
  }

  /**
   * The TLS context that an accepted client's policy asks for: versions, suites, groups, preference,
   * tickets. Made once for each policy and certificate.
   * @param certificate PEM chain and key; `name` keeps contexts of several certificates apart.
   * @throws TypeError when the decision is not this engine's or accepts nobody.
   */
  secureContext(
    decision: EngineDecision,
    certificate: { readonly name?: string; readonly cert: string; readonly key: string },
  ): SecureContext {
    const policy = this.#verdicts.get(decision)?.verdict.policy ?? null;
    if (policy === null || decision.action !== 'accept') {
      throw new TypeError('only a decision of this engine that accepts has a TLS context');
    }
    const named = { name: '', fingerprint: '', names: [], keyType: '', ...certificate };
    return this.#contexts.for(policy, [named]);
  }

  /** Tells the policy's counters and limits how a connection that was decided about went on. */
  count(decision: EngineDecision, event: Exclude<CountedEvent, 'hello'>): void {
    const known = this.#verdicts.get(decision);
    if (known) this.#history.count(event, known.client, Date.now());
  }

  /** Lets go of every client that `turnAway` still holds. */
  close(): void {
    this.#pen.stop();
  }
}

/** Reads, checks and tests a policy, and makes an engine of it. @throws PolicyError */
export function createEngine(options: EngineOptions): PolicyEngine {
  return new PolicyEngine(options);
}
