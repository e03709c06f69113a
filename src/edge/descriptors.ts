/** Waits on connections that are still bare descriptors, one callback for each. */
import type { Addon, Waiter } from './addon.ts';

export class DescriptorWatch {
  readonly addon: Addon;
  readonly #waiter: Waiter;
  readonly #waits = new Map<number, (events: number) => void>();

  constructor(addon: Addon) {
    this.addon = addon;
    this.#waiter = addon.waiter((fd, events) => {
      const ready = this.#waits.get(fd);
      this.#waits.delete(fd);
      ready?.(events);
    });
  }

  /**
   * Calls `ready` once, when at least `bytes` wait in the queue or the peer has hung up (0 bytes: only
   * then), with the addon's event bits or a negative errno. False: the system refused to watch.
   */
  wait(fd: number, bytes: number, ready: (events: number) => void): boolean {
    if (this.#waiter.wait(fd, bytes) < 0) return false;
    this.#waits.set(fd, ready);
    return true;
  }

  cancel(fd: number): void {
    if (this.#waits.delete(fd)) this.#waiter.cancel(fd);
  }

  /** Ends every wait and closes its descriptor. */
  close(): void {
    this.#waits.clear();
    this.#waiter.close();
  }
}
