/**
 * Everything one event loop needs to carry connections: the engine, the listeners, the services behind
 * them. It runs in an edge worker, or on the main thread when there are none.
 */
import type { TLSSocket } from 'node:tls';
import type { ConnectionRecord } from '../audit/record.ts';
import type { Config, ListenerConfig } from '../config/schema.ts';
import type { Bundle } from '../orchestrator/bundle.ts';
import type { Engine } from '../orchestrator/engine.ts';
import type { History } from '../orchestrator/history.ts';
import { type Certificate, ContextPool } from '../orchestrator/tls-profile.ts';
import { type Arrival, Connection } from './connection.ts';
import { HoldingPen } from './holding.ts';
import type { ConnectionSlots } from './slots.ts';

/** What an accepted connection is handed to once its handshake is done. */
export interface Service {
  serve(connection: Connection, tls: TLSSocket): void;
  close(): Promise<void>;
}

export interface ListenerState {
  readonly index: number;
  readonly config: ListenerConfig;
  readonly certificates: readonly Certificate[];
  readonly service: Service;
}

export interface EdgeLoopOptions {
  readonly config: Config;
  readonly worker: number;
  readonly engine: Engine;
  readonly history: History;
  readonly slots: ConnectionSlots;
  /** 32 random bytes, the same in every worker. */
  readonly ticketMaster: Uint8Array;
  /** Takes the record of a connection that ended. */
  readonly report: (record: ConnectionRecord) => void;
}

export class EdgeLoop {
  readonly config: Config;
  readonly worker: number;
  readonly engine: Engine;
  readonly history: History;
  readonly pen: HoldingPen;
  readonly #options: EdgeLoopOptions;
  readonly #open = new Set<Connection>();
  #contexts: ContextPool;
  #draining = false;
  #onIdle: (() => void) | null = null;

  constructor(options: EdgeLoopOptions) {
    this.#options = options;
    this.config = options.config;
    this.worker = options.worker;
    this.engine = options.engine;
    this.history = options.history;
    this.pen = new HoldingPen(options.config.limits.tarpits);
    this.#contexts = new ContextPool(options.ticketMaster);
  }

  /** TLS contexts of the policy now active; a connection under an older one holds its own context. */
  get contexts(): ContextPool {
    return this.#contexts;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Switches to a bundle that was verified. @throws Error, and nothing changes, when it is refused. */
  load(bundle: Bundle, epoch: number): void {
    this.engine.load(bundle, epoch);
    this.#contexts = new ContextPool(this.#options.ticketMaster);
  }

  /** Takes a connection from a listener and carries it to its end. */
  accept(arrival: Arrival): void {
    const { facts, listener } = arrival;
    const slot = this.#options.slots.take(facts.ip, facts.port, listener.index, facts.nowMs);
    const connection = new Connection(this, arrival, slot);
    this.#open.add(connection);
    if (slot === -1 || this.#draining) connection.turnAway(slot === -1 ? 'over_capacity' : 'drained');
    else connection.start(arrival.peeked);
  }

  /** Called by a connection that ended. */
  finish(connection: Connection, slot: number): void {
    if (slot !== -1) this.#options.slots.release(slot);
    this.#open.delete(connection);
    this.#options.report(connection.record);
    if (this.#open.size === 0) this.#onIdle?.();
  }

  /** Waits for the open connections to end; those left after `timeoutMs` are closed. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    this.pen.stop();
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
