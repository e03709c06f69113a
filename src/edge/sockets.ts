/**
 * The listening sockets of the process. The main thread owns them for its whole life: one per listener
 * and worker slot, sharing the port. A worker gets a duplicate, so the queue outlives the worker.
 */
import { lookup } from 'node:dns/promises';
import type { ListenerConfig } from '../config/schema.ts';
import type { Addon } from './addon.ts';

export interface BoundListener {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
}

/** How long the kernel holds a silent client back with TCP_DEFER_ACCEPT. */
const DEFER_SECONDS = 1;

export class ListeningSockets {
  readonly #addon: Addon;
  /** By listener, then worker slot. */
  readonly #fds: number[][] = [];
  readonly bound: BoundListener[] = [];

  private constructor(addon: Addon) {
    this.#addon = addon;
  }

  /** Opens all of them, or none. @throws the system error (EADDRINUSE, EACCES, ENOTFOUND…). */
  static async open(
    addon: Addon,
    listeners: readonly ListenerConfig[],
    workers: number,
    backlog: number,
  ): Promise<ListeningSockets> {
    const sockets = new ListeningSockets(addon);
    try {
      for (const listener of listeners) await sockets.#open(listener, workers, backlog);
    } catch (error) {
      sockets.close();
      throw error;
    }
    return sockets;
  }

  async #open(listener: ListenerConfig, workers: number, backlog: number): Promise<void> {
    const { host, port: wanted } = listener.address;
    const { address } = await lookup(host);
    const fds: number[] = [];
    this.#fds.push(fds);
    let port = wanted;
    for (let slot = 0; slot < workers; slot++) {
      const fd = this.#addon.listen({
        host: address,
        port,
        backlog,
        reusePort: workers > 1,
        saveSyn: true,
        deferAcceptSeconds: listener.deferAccept ? DEFER_SECONDS : 0,
      });
      fds.push(fd);
      // why: with port 0 the first socket finds a free one and the others must join it.
      port = this.#addon.boundPort(fd);
    }
    this.bound.push({ listener: listener.name, host: address, port });
  }

  /** A descriptor for each listener, which the worker in `slot` will close. */
  duplicates(slot: number): number[] {
    return this.#fds.map((fds) => this.#addon.dup(fds[slot]!));
  }

  close(): void {
    for (const fd of this.#fds.flat()) this.#addon.close(fd);
    this.#fds.length = 0;
  }
}
