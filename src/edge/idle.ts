/** The time that an HTTP connection may be without a request, when its policy says how long. */
export class IdleTimer {
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #active = 0;
  #timer: NodeJS.Timeout;

  /** Runs from now on; `onIdle` is called at most once. */
  constructor(idleMs: number, onIdle: () => void) {
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#timer = setTimeout(onIdle, idleMs);
  }

  /** A request begins. */
  enter(): void {
    this.#active++;
    clearTimeout(this.#timer);
  }

  /** A request, with its response, is over. */
  leave(): void {
    if (--this.#active === 0) this.#timer = setTimeout(this.#onIdle, this.#idleMs);
  }

  /** The connection is over, or no longer speaks HTTP. */
  stop(): void {
    // why: a response may end after its connection; it must not start the clock again.
    this.#active = Number.POSITIVE_INFINITY;
    clearTimeout(this.#timer);
  }
}
