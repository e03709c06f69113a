/**
 * Connections that are kept and never answered: tarpits and silent drops. The number is bounded; when
 * it is full the oldest makes room, so that an attacker cannot fill it for good.
 */

export interface Held {
  /** Ends the connection; called exactly once. */
  release(reason: 'expired' | 'evicted' | 'stopped'): void;
}

export class HoldingPen {
  readonly #capacity: number;
  /** In order of arrival; a Map keeps it and removes in constant time. */
  readonly #held = new Map<Held, NodeJS.Timeout>();
  /** How many were let go early to make room. */
  evicted = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#held.size;
  }

  hold(entry: Held, durationMs: number): void {
    if (this.#held.size >= this.#capacity) this.makeRoom();
    this.#held.set(
      entry,
      setTimeout(() => this.#release(entry, 'expired'), durationMs),
    );
  }

  /** Lets the oldest go before its time. */
  makeRoom(): void {
    const oldest = this.#held.keys().next().value;
    if (oldest === undefined) return;
    this.evicted++;
    this.#release(oldest, 'evicted');
  }

  /** Forgets an entry whose client went away by itself. */
  forget(entry: Held): void {
    clearTimeout(this.#held.get(entry));
    this.#held.delete(entry);
  }

  /** Ends all of them, at shutdown. */
  stop(): void {
    for (const entry of [...this.#held.keys()]) this.#release(entry, 'stopped');
  }

  #release(entry: Held, reason: 'expired' | 'evicted' | 'stopped'): void {
    this.forget(entry);
    entry.release(reason);
  }
}
