/** A bar on standard error for work that a person waits for; silent where nobody watches. */

/** Work that ends sooner shows nothing. */
const PATIENCE_MS = 400;
const WIDTH = 24;

export class Progress {
  readonly #what: string;
  readonly #total: number;
  readonly #start: number = Date.now();
  #done = 0;
  #shown = false;

  /** `what` is done `total` times. */
  constructor(what: string, total: number) {
    this.#what = what;
    this.#total = total;
  }

  step(count = 1): void {
    this.#done += count;
    if (!process.stderr.isTTY || Date.now() - this.#start < PATIENCE_MS) return;
    const filled = Math.round((this.#done / this.#total) * WIDTH);
    const bar = '█'.repeat(filled) + '░'.repeat(WIDTH - filled);
    process.stderr.write(`\r${bar} ${this.#done}/${this.#total} ${this.#what}`);
    this.#shown = true;
  }

  /** Takes the bar away, so that a line can stand in its place; the next step draws it again. */
  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
    this.#shown = false;
  }
}
