/** Progress of a search whose end is a matter of luck; silent where nobody watches. */
import type { PuzzleSummary } from '../challenge/puzzle/solve.ts';

/** A search that ends sooner shows nothing. */
const PATIENCE_MS = 400;
/** Between two lines. */
const PAUSE_MS = 100;

export class SearchProgress {
  readonly #start = performance.now();
  #next = PATIENCE_MS;
  #shown = false;

  /** `tries` of the 2^difficulty that it takes on average. */
  show({ type, difficulty }: PuzzleSummary, tries: number): void {
    const elapsed = performance.now() - this.#start;
    if (!process.stderr.isTTY || elapsed < this.#next) return;
    this.#next = elapsed + PAUSE_MS;
    const share = Math.round((tries / 2 ** difficulty) * 100);
    const rate = (tries / elapsed / 1_000).toFixed(1);
    process.stderr.write(
      `\r${type}, ${difficulty} bits: ${share} % of the average search, ${rate} million hashes a second\u001b[K`,
    );
    this.#shown = true;
  }

  /** Takes the line away again. */
  end(): void {
    if (this.#shown) process.stderr.write('\r\u001b[K');
  }
}
