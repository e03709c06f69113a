/**
 * Everything one event loop needs to carry connections: the engine, the listeners, the services behind
 * them. It runs in an edge worker, or on the main thread when there are none.
 */
import type { TLSSocket } from 'node:tls';
import { type ConnectionRecord, wasServedWell } from '../audit/record.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import type { OcspSource } from '../identity/ocsp-client.ts';
import type { Staples } from '../identity/staple.ts';
import { KnownBots, NOTHING_KNOWN } from '../intel/known-bots.ts';
import type { Inflight } from '../limit/inflight.ts';
import { type Certificate, chooseCertificates } from '../orchestrator/certificate-choice.ts';
import { ContextPool } from '../orchestrator/context-pool.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import type { ConnectionFacts, Engine } from '../orchestrator/engine.ts';
import type { History } from '../orchestrator/history.ts';
import type { TicketMasters } from '../orchestrator/ticket-keys.ts';
import { inPrefix, type Prefix, parsePrefix } from '../pdl/ip.ts';
import { CertificateOffice } from './certificate-office.ts';
import { type Arrival, Connection } from './connection.ts';
import { HoldingPen } from './holding.ts';
import type { OpenSsl } from './openssl.ts';
import { LOOK_MS } from './overhead.ts';
import type { PassthroughNames } from './passthrough.ts';
import type { ProxyGate } from './proxy-gate.ts';
import { Puzzles } from './puzzles.ts';
import type { ConnectionSlots, SharedCount } from './slots.ts';

/** What an accepted connection is handed to once its handshake is done. */
export interface Service {
  serve(connection: Connection, tls: TLSSocket): void;
  /** Whether a challenge can be met behind the handshake. */
  readonly posesPages: boolean;
  /** From here on each connection is closed once what it is doing is done. */
  drain(): void;
  close(): Promise<void>;
}

export interface ListenerState {
  readonly index: number;
  readonly config: ListenerConfig;
  readonly service: Service;
  /** Who may speak for clients; null: nobody. */
  readonly proxies: ProxyGate | null;
  /** Server names whose TLS goes on untouched. */
  readonly passthrough: PassthroughNames;
}

export interface EdgeLoopOptions {
  readonly config: Config;
  readonly worker: number;
  readonly engine: Engine;
  readonly history: History;
  readonly openssl: OpenSsl;
  readonly slots: ConnectionSlots;
  /** Open connections of the whole process. */
  readonly total: SharedCount;
  /** The same in every worker. */
  readonly ticketMasters: TicketMasters;
  /** Finds out by OCSP of clients' certificates. */
  readonly ocsp: OcspSource;
  /** OCSP answers about our own certificates. */
  readonly staples: Staples;
  /** TLS handshakes under way in the whole process. */
  readonly inflight: Inflight;
  /** Takes the record of a connection that ended; calls `release` with the slot once it is safe. */
  readonly report: (record: ConnectionRecord, slot: number) => void;
}

export class EdgeLoop {
  readonly config: Config;
  readonly worker: number;
  readonly engine: Engine;
  readonly history: History;
  readonly openssl: OpenSsl;
  readonly pen: HoldingPen;
  readonly certificates: CertificateOffice;
  readonly inflight: Inflight;
  readonly puzzles: Puzzles;
  readonly #options: EdgeLoopOptions;
  readonly #intermediaries: readonly Prefix[];
  readonly #open = new Set<Connection>();
  #deployment: Deployment | null = null;
  bots: KnownBots = new KnownBots(NOTHING_KNOWN);
  #contexts: ContextPool;
  #ticketMasters: TicketMasters;
  #staples: Staples;
  /** By listener, in its order. */
  #certificates: readonly (readonly Certificate[])[] = [];
  #draining = false;
  #onIdle: (() => void) | null = null;
  readonly #looks: NodeJS.Timeout;

  constructor(options: EdgeLoopOptions) {
    this.#options = options;
    this.config = options.config;
    this.worker = options.worker;
    this.engine = options.engine;
    this.history = options.history;
    this.openssl = options.openssl;
    this.certificates = new CertificateOffice(options.openssl, options.ocsp);
    this.inflight = options.inflight;
    this.#intermediaries = options.config.intermediaries.map((text) => parsePrefix(text)!);
    this.pen = new HoldingPen(options.config.limits.tarpits);
    this.#ticketMasters = options.ticketMasters;
    this.#staples = options.staples;
    this.puzzles = new Puzzles({
      core: options.engine.core,
      history: options.history,
      isPossible: options.openssl.posesPuzzles,
      extension: options.config.tls.puzzleExtension,
      capacity: options.config.limits.puzzlesPerWorker,
      maxBytes: options.config.limits.helloBytes,
    });
    this.#contexts = this.#newContexts();
    this.#looks = setInterval(() => {
      for (const connection of this.#open) connection.look();
    }, LOOK_MS);
    this.#looks.unref();
  }

  /** TLS contexts of the policy now active; a connection under an older one holds its own context. */
  get contexts(): ContextPool {
    return this.#contexts;
  }

  get open(): number {
    return this.#open.size;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Switches to a deployment that was verified. @throws Error, and nothing changes, when it is refused. */
  load(deployment: Deployment): void {
    this.certificates.check(deployment.bundle);
    this.engine.load(deployment.bundle, deployment.epoch);
    this.certificates.load(deployment.bundle);
    const { certificates } = deployment;
    this.#certificates = this.config.listeners.map((listener) =>
      listener.certificates.map((name) => certificates[name]!),
    );
    this.engine.useOrigins(deployment.origins);
    this.engine.useModes(deployment.modes);
    this.puzzles.load(deployment.bundle);
    this.#deployment = deployment;
    this.bots = new KnownBots(deployment.bots);
    this.#contexts = this.#newContexts();
  }

  /** From here on tickets are made with the first master. */
  rotateTicketKeys(masters: TicketMasters): void {
    this.#ticketMasters = masters;
    this.#contexts.rotate(masters);
  }

  /** From here on these OCSP answers are stapled, and no others. */
  staple(staples: Staples): void {
    this.#staples = staples;
    this.#contexts.staple(staples);
  }

  #newContexts(): ContextPool {
    const { openssl, config } = this.#options;
    const { minVersion: floor, tickets } = config.tls;
    const masters = this.#ticketMasters;
    const staples = this.#staples;
    const trust = this.#deployment?.bundle.trust.authorities ?? [];
    return new ContextPool({ make: openssl.makeContext, masters, floor, tickets, trust, staples });
  }

  /** The certificate a policy names, else the listener's best for the server name: one for each type of key. */
  certificatesFor(listener: ListenerState, named: string | null, sni: string | null): readonly Certificate[] {
    if (named !== null) return [this.#deployment!.certificates[named]!];
    return chooseCertificates(this.#certificates[listener.index]!, sni);
  }

  /** So many connections are open that none is held for nothing. */
  get isCrowded(): boolean {
    const { slots, total } = this.#options;
    return total.isCrowded || slots.isCrowded;
  }

  /** Is it an address that the configuration names as a proxy's? 16 bytes. */
  isIntermediary(ip: Uint8Array): boolean {
    return this.#intermediaries.some((prefix) => inPrefix(ip, prefix));
  }

  /** Takes a connection from a listener and carries it to its end. */
  accept(arrival: Arrival): void {
    const { facts, listener } = arrival;
    const { slots, total } = this.#options;
    if (this.isCrowded) this.pen.makeRoom();
    const slot = total.enter() ? slots.take(facts.ip, facts.port, listener.index, facts.nowMs) : -1;
    if (slot !== -1) slots.holdDescriptor(slot, arrival.transport.descriptor);
    const connection = new Connection(this, arrival, slot);
    this.#open.add(connection);
    if (slot === -1 || this.#draining) connection.turnAway(slot === -1 ? 'over_capacity' : 'drained');
    else connection.start(arrival.peeked);
  }

  /** Called by a connection whose client a proxy has named. */
  named(slot: number, { ip, port }: ConnectionFacts): void {
    if (slot !== -1) this.#options.slots.setClient(slot, ip, port);
  }

  /** Called by a connection whose descriptor a Node handle now owns. */
  adopted(slot: number): void {
    if (slot !== -1) this.#options.slots.holdDescriptor(slot, -1);
  }

  /** Called by a connection that ended. */
  finish(connection: Connection, slot: number): void {
    this.#open.delete(connection);
    if (wasServedWell(connection.record)) this.history.noteGood(connection.client, Date.now());
    this.#options.report(connection.record, slot);
    if (this.#open.size === 0) this.#onIdle?.();
  }

  /** Called once the record of an ended connection can no longer be lost with this worker. */
  release(slot: number): void {
    this.#options.total.leave();
    if (slot !== -1) this.#options.slots.release(slot);
  }

  /** Waits for the open connections to end; those left after `timeoutMs` are closed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.pen.stop();
    await this.#untilIdle(timeoutMs);
    clearInterval(this.#looks);
  }

  async #untilIdle(timeoutMs: number): Promise<void> {
    if (this.#open.size === 0) return;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    const timer = setTimeout(() => this.stop(), timeoutMs);
    await idle;
    clearTimeout(timer);
  }

  /** Closes every open connection now. */
  stop(): void {
    this.pen.stop();
    for (const connection of [...this.#open]) connection.stop();
  }
}
