/** How long a thread's event loop stood still: whatever else was due had to wait so long. */

/** How often it looks; a shorter stall is not seen. */
const TICK_MS = 10;
/** Ticks of one of the periods that the longest stall is kept of. */
const PERIOD_TICKS = 50;
const PERIODS = 10;

export class LoopWatch {
  readonly #timer: NodeJS.Timeout;
  /** The longest stall of each of the last periods, in milliseconds; the current one is the last. */
  readonly #longest: number[] = new Array<number>(PERIODS).fill(0);
  #last = performance.now();
  #ticks = 0;

  constructor() {
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Milliseconds, of about the last five seconds. */
  get longest(): number {
    return Math.max(...this.#longest);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const stall = now - this.#last - TICK_MS;
    this.#last = now;
    if (++this.#ticks % PERIOD_TICKS === 0) {
      this.#longest.shift();
      this.#longest.push(0);
    }
    if (stall > this.#longest[PERIODS - 1]!) this.#longest[PERIODS - 1] = stall;
  }
}
