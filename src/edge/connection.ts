/**
 * The life of one accepted TCP connection: look, decide, act or hand over to TLS, and one record at
 * the end. Whatever happens to it ends this connection and no other.
 */
import { type ConnectionRecord, type Outcome, recordVerdict } from '../audit/record.ts';
import type { Core } from '../core/core.ts';
import type { KeptFacts } from '../core/kept-facts.ts';
import { statusName } from '../core/status.ts';
import { alertRecord } from '../orchestrator/alert.ts';
import { type Client, clientAtAccept, clientAtHello } from '../orchestrator/client.ts';
import type { ConnectionFacts, LaterPhase } from '../orchestrator/engine.ts';
import { helloExcess } from '../orchestrator/hello-limits.ts';
import { formatIp } from '../orchestrator/ip.ts';
import { knownFacts } from '../orchestrator/known-facts.ts';
import type { Verdict } from '../orchestrator/verdict.ts';
import type { Verdict as Action, Challenge, Policy } from '../pdl/ir.ts';
import type { H2Start } from '../profile/h2.ts';
import type { RequestHead } from '../profile/http.ts';
import { isVerifiedBot } from './bot-gate.ts';
import { helloOf, newRecord } from './connection-record.ts';
import { Handshake } from './handshake.ts';
import { leastHelloBytes } from './hello-length.ts';
import type { HelloEnd } from './hello-reader.ts';
import type { Held } from './holding.ts';
import type { EdgeLoop, ListenerState } from './loop.ts';
import { passConnection } from './passing.ts';
import type { Transport } from './transport.ts';

/** One connection as the listener hands it over. */
export interface Arrival {
  readonly listener: ListenerState;
  readonly facts: ConnectionFacts;
  readonly transport: Transport;
  /** Bytes peeked at accept; they stay in the kernel's queue. Valid only during the call. */
  readonly peeked: Uint8Array | null;
}

const STATUS_OUTCOME: Readonly<Record<string, Outcome>> = {
  not_tls: 'not_tls',
  hello_too_large: 'hello_too_large',
};

/** What the parser answers while the hello is not whole. */
const NEED_MORE = 1;
const LATE_OUTCOME = { refuse: 'refused', reset: 'reset', drop: 'dropped', tarpit: 'tarpitted' } as const;

const micros = (startedAt: number): number => Math.round((performance.now() - startedAt) * 1_000);

export class Connection implements Held {
  readonly record: ConnectionRecord;
  facts: ConnectionFacts;
  readonly listener: ListenerState;
  client: Client;
  /** The last one; a later phase can put another in its place. */
  verdict: Verdict | null = null;
  /** How its HTTP/2 began, where the policy asks for it. */
  h2Start: H2Start | null = null;
  /** Names of the challenges that the client met, in this connection or before it. */
  #cleared: Set<string> | null = null;
  /** What was known before the request; null when no later phase is decided. */
  #kept: KeptFacts | null = null;
  readonly #loop: EdgeLoop;
  readonly #transport: Transport;
  /** By `performance.now`. */
  readonly startedAt: number = performance.now();
  /** Its place in memory that outlives the worker; -1: none. */
  readonly slot: number;
  /** Once it is let in, unless its TLS passes through. */
  #handshake: Handshake | null = null;
  /** Ends the connection of a client whose TLS passes through. */
  #stopPassing: (() => void) | null = null;
  #isTurnedAway = false;
  #ended = false;

  constructor(loop: EdgeLoop, arrival: Arrival, slot: number) {
    this.#loop = loop;
    this.#transport = arrival.transport;
    this.slot = slot;
    this.facts = arrival.facts;
    this.listener = arrival.listener;
    this.client = clientAtAccept(arrival.facts);
    this.record = newRecord(loop, arrival);
  }

  /** Hears whom a proxy speaks for, if the peer is one, and then looks at the client. */
  start(peeked: Uint8Array | null): void {
    const { proxies } = this.listener;
    if (proxies === null || !proxies.lists(this.facts.ip)) return this.#look(peeked);
    const options = { helloBytes: this.#loop.config.limits.helloBytes, timeoutMs: this.#helloTimeLeft() };
    proxies.pass(this.#transport, this.facts, peeked, options, (end) => {
      if ('outcome' in end) {
        this.#transport.reset();
        return this.end(end.outcome, end.error);
      }
      if (end.facts.proxied) this.#introduce(end.facts);
      this.#look(end.rest);
    });
  }

  /** A proxy has said whose connection it is. */
  #introduce(facts: ConnectionFacts): void {
    this.facts = facts;
    this.record.proxyIp = this.record.clientIp;
    this.record.clientIp = formatIp(facts.ip, facts.isV4);
    this.record.clientPort = facts.port;
    this.record.rttUs = facts.rttUs;
    this.#loop.named(this.slot, facts);
  }

  /** Milliseconds. */
  #helloTimeLeft(): number {
    return Math.max(1, this.#loop.config.limits.helloTimeout - (performance.now() - this.startedAt));
  }

  /** Looks at what has arrived so far and decides, or waits for the rest of the hello. */
  #look(peeked: Uint8Array | null): void {
    const { engine } = this.#loop;
    engine.begin(this.facts);
    this.record.origin = engine.origin;
    this.record.syn = engine.synText;
    this.record.stack = engine.stack;
    const hasBytes = peeked !== null && peeked.length > 0;
    const status = hasBytes ? engine.core.parse(peeked, 0, peeked.length, 'records', 'tls') : NEED_MORE;
    if (status === 0) return this.#decide(1);
    // why: whoever sends a whole hello at once is known by it; the others may never come to one.
    this.client = clientAtAccept(this.facts, engine.origin);
    this.#loop.history.learn(engine.core, this.client);
    if (status < 0) return this.#invalid(status);
    const early = engine.decideConnect(this.facts);
    if (early !== null) return this.#act(early);
    this.#read();
  }

  #read(): void {
    const { engine, config } = this.#loop;
    const options = {
      maxBytes: config.limits.helloBytes,
      timeoutMs: this.#helloTimeLeft(),
      parse: (bytes: Uint8Array, length: number): number => {
        engine.begin(this.facts);
        return engine.core.parse(bytes, 0, length, 'records', 'tls');
      },
      least: leastHelloBytes,
    };
    this.#transport.readHello(options, (end, length, reads) => this.#onHelloEnd(end, length, reads));
  }

  /** It came to nothing. */
  countFailure(): void {
    this.#loop.history.count('failure', this.client, Date.now());
  }

  #onHelloEnd(end: HelloEnd, length: number, reads: number): void {
    if (end === 'complete') return this.#decide(reads);
    if (typeof end === 'number') return this.#invalid(end);
    this.countFailure();
    if (end === 'too_large') return this.refuseBytes('hello_too_large', 'record_overflow');
    if (end === 'timeout') {
      this.#transport.reset();
      return this.end(
        'hello_timeout',
        length === 0 ? 'no bytes before the deadline' : 'the hello was not complete',
      );
    }
    this.#transport.reset();
    this.end('client_closed', null);
  }

  #invalid(status: number): void {
    const name = statusName(status);
    this.record.helloStatus = name;
    this.countFailure();
    const outcome = STATUS_OUTCOME[name] ?? 'hello_invalid';
    // why: a client that does not speak TLS would not understand an alert.
    if (outcome === 'not_tls') {
      this.#transport.reset();
      return this.end('not_tls', name);
    }
    this.refuseBytes(outcome, 'decode_error');
  }

  /** Refuses it before TLS, with an alert. */
  refuseBytes(outcome: Outcome, alert: string): void {
    this.record.alert = alert;
    this.#transport.finish(alertRecord(alert));
    this.end(outcome, null);
  }

  #decide(reads: number): void {
    const { engine } = this.#loop;
    const { hello } = engine.core;
    engine.setArrival(reads, micros(this.startedAt));
    this.record.helloStatus = 'complete';
    this.record.durationsUs.hello = micros(this.startedAt);
    this.record.hello = helloOf(hello);
    const started = performance.now();
    this.client = clientAtHello(this.facts, hello, engine.origin);
    const verdict = engine.decideHello(this.facts, this.client);
    this.record.tlsClient = engine.tlsClient;
    this.record.durationsUs.decide = micros(started);
    this.#act(verdict);
  }

  #act(verdict: Verdict): void {
    this.verdict = verdict;
    this.#recordDecision(verdict);
    const { action } = verdict;
    const limited = verdict.tier === 'limit';
    switch (action.action) {
      case 'accept':
        return this.#accept(verdict);
      case 'refuse':
        return this.refuseBytes(limited ? 'limited' : 'refused', action.alert);
      case 'reset':
        this.#transport.reset();
        return this.end(limited ? 'limited' : 'reset', null);
      case 'drop':
        return this.#hold(this.#loop.config.limits.handshakeTimeout);
      case 'tarpit':
        return this.#hold(action.durationMs);
    }
  }

  #hold(durationMs: number): void {
    if (this.#loop.isCrowded) return this.release('evicted');
    this.#transport.hold(() => this.release('gone'));
    this.#loop.pen.hold(this, durationMs);
  }

  /** The pen lets go: a reset, since a FIN would tell the client that someone answered. */
  release(reason: 'expired' | 'evicted' | 'stopped' | 'gone'): void {
    if (this.#ended) return;
    const wire = this.#handshake?.wire ?? null;
    if (wire !== null) return wire.reset();
    this.#transport.reset();
    this.end(
      this.record.action === 'drop' ? 'dropped' : 'tarpitted',
      reason === 'expired' ? null : `hold ended: ${reason}`,
    );
  }

  /** Ends a connection in use by what a later phase decided; a refusal is left to whoever speaks its protocol. */
  turnAwayLate(action: Exclude<Action, { action: 'accept' }>): void {
    this.#isTurnedAway = true;
    this.fail(this.verdict?.tier === 'limit' ? 'limited' : LATE_OUTCOME[action.action], null);
    this.#loop.history.refused(this.client, Date.now());
    if (action.action === 'reset') this.#handshake!.wire!.reset();
    else if (action.action === 'drop') this.#loop.pen.hold(this, this.#loop.config.limits.handshakeTimeout);
    else if (action.action === 'tarpit') this.#loop.pen.hold(this, action.durationMs);
  }

  /** A later phase ended it: whatever still comes is not answered. */
  get isTurnedAway(): boolean {
    return this.#isTurnedAway;
  }

  #accept(verdict: Verdict): void {
    const policy = verdict.policy!;
    const loop = this.#loop;
    if (!this.#helloIsWithin(policy.handshake)) return;
    const target = this.listener.passthrough.find(this.client.sni);
    if (target !== null) {
      this.#stopPassing = passConnection(this, loop, this.#transport, policy.upstream ?? target);
      return;
    }
    this.#kept = loop.engine.keep();
    this.#handshake = new Handshake(this, loop, this.#transport, policy);
    this.#handshake.begin();
  }

  /** Turns a hello away that is over a limit of its policy; true when it is within them. */
  #helloIsWithin(limits: Policy['handshake']): boolean {
    const { hello, durationsUs } = this.record;
    const excess = helloExcess(limits, hello?.bytes ?? 0, (durationsUs.hello ?? 0) / 1_000);
    if (excess === null) return true;
    this.countFailure();
    this.record.error = excess.message;
    if (excess.limit === 'hello_too_large') this.refuseBytes(excess.limit, 'record_overflow');
    else {
      this.#transport.reset();
      this.end(excess.limit, null);
    }
    return false;
  }

  /** The client is refused with an alert for what its certificate, or the lack of one, led to. */
  recordRefusal(alert: string, reason: string | null): void {
    this.record.alert = alert;
    this.record.outcome = this.verdict?.tier === 'limit' ? 'limited' : 'refused';
    this.record.action = 'refuse';
    this.record.error ??= reason;
  }

  /** What upstreams are told of the client's certificate. */
  get forwardedCertificate(): string {
    return this.#handshake?.forwardedCertificate ?? '';
  }

  /** Ends it when its client keeps TLS busy without sending data. Called now and then. */
  look(): void {
    this.#handshake?.look();
  }

  /** Microseconds since it was accepted. */
  get age(): number {
    return micros(this.startedAt);
  }

  /** Does it come from a proxy whose own SYN and ClientHello are seen in place of the client's? */
  get isIntermediary(): boolean {
    return this.#loop.isIntermediary(this.facts.ip);
  }

  /** Does the policy in force ask for a fact of the request, of this connection? */
  asks(fact: number): boolean {
    return this.isDecidedAt('request') && this.#loop.engine.asks(fact);
  }

  /** Does the policy in force ask for facts of a later phase, of this connection? */
  isDecidedAt(phase: LaterPhase): boolean {
    return this.#kept !== null && this.#loop.engine.decidesAt(phase);
  }

  /**
   * Decides again with what a later phase brought, where `isDecidedAt` says so. `set` gives the core the facts of the
   * phase; those of the client's certificate stay for its requests.
   */
  decideAt(phase: LaterPhase, set: (core: Core) => void): Verdict {
    const { engine } = this.#loop;
    const connection = { facts: this.facts, client: this.client, verdict: this.verdict! };
    this.verdict = engine.decideLater(phase, this.#kept!, connection, Date.now(), set);
    if (phase === 'cert') this.#kept = engine.keep();
    this.#recordDecision(this.verdict);
    return this.verdict;
  }

  #recordDecision(verdict: Verdict): void {
    const { config, engine } = this.#loop;
    recordVerdict(this.record, verdict);
    if (config.audit?.facts) this.record.facts = knownFacts(engine.core);
  }

  /** Is the client the crawler that it says it is? Null: it does not say so, or that is not known yet. */
  isVerifiedBot(userAgent: string | null, request: RequestHead): boolean | null {
    const { history, bots } = this.#loop;
    return history.wantsBots ? isVerifiedBot(request, userAgent, this.client, history, bots) : null;
  }

  /** Has the client met the challenge of its policy already? */
  isCleared(): boolean {
    const challenge = this.verdict?.challenge ?? null;
    if (challenge === null || this.#cleared?.has(challenge.name)) return true;
    if (!this.#loop.history.isCleared(challenge, this.client, Date.now())) return false;
    this.#remember(challenge);
    return true;
  }

  #remember(challenge: Challenge): void {
    this.#cleared ??= new Set();
    this.#cleared.add(challenge.name);
  }

  /** The client met a challenge; this connection need not ask again. */
  clear(challenge: Challenge): void {
    this.#remember(challenge);
    this.#loop.history.clear(challenge, this.client, Date.now());
  }

  /** A request was read on it that is not decided about. */
  countRequest(): void {
    this.#loop.history.count('request', this.client, Date.now());
  }

  /** Milliseconds without traffic after which the policy closes the connection; null: it does not say. */
  get idleMs(): number | null {
    return this.verdict?.policy?.handshake.idleMs ?? null;
  }

  /** Names how the connection ends when it is not simply `served`; it keeps the first reason. */
  fail(outcome: Outcome, error: string | null): void {
    if (this.record.outcome === 'served') this.record.outcome = outcome;
    this.record.error ??= error;
  }

  /** Closes it before TLS: the edge is full or going down. */
  turnAway(outcome: 'over_capacity' | 'drained', error: string | null = null): void {
    this.#transport.reset();
    this.end(outcome, error);
  }

  /** Ends it now, at shutdown. */
  stop(): void {
    // why: a bare descriptor that is reset tells nobody; a TLS socket's end is heard by its listener.
    if (this.#stopPassing !== null) {
      this.record.outcome = 'drained';
      return this.#stopPassing();
    }
    const wasServed = this.record.tls !== null;
    if (this.#handshake?.wire == null) return this.turnAway('drained');
    if (wasServed) this.fail('drained', null);
    else this.record.outcome = 'drained';
    this.#handshake.destroy();
  }

  /** It is over: the first reason stays. */
  end(outcome: Outcome, error: string | null): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#handshake?.end();
    this.#loop.pen.forget(this);
    this.record.outcome = outcome;
    this.record.error ??= error;
    this.record.durationsUs.total = micros(this.startedAt);
    this.#loop.finish(this, this.slot);
  }
}
