/**
 * Texts that the core wrote of late, as strings that exist already: most connections bring a signature or a fingerprint
 * that many brought before. A string made anew costs its memory, and its hash again wherever it is looked up.
 */
import type { CoreMemory } from './memory.ts';

/** Longer texts are made anew each time. */
const MAX_BYTES = 64;
const WORDS = MAX_BYTES / 4;
/** 2^32 by the golden ratio spreads neighbours over the places. */
const SPREAD = 0x9e3779b1;
/** Even, so that each word of a text has another odd factor. */
const FACTOR_STEP = 0x3c6ef372;

/** A fixed number of places, each with the last text that fell on it. */
export class SeenTexts {
  readonly #memory: CoreMemory;
  readonly #shift: number;
  /** By place: the text's words, the rest of them as they were. */
  readonly #words: Uint32Array;
  readonly #texts: string[];

  /** @param bits There are 2^bits places (1 to 20), 72 bytes each. */
  constructor(memory: CoreMemory, bits: number) {
    this.#memory = memory;
    this.#shift = 32 - bits;
    this.#words = new Uint32Array(WORDS << bits);
    this.#texts = new Array<string>(1 << bits).fill('');
  }

  /** The text of bytes that are ASCII, or anything else as Latin-1; three bytes behind them may be read. */
  latin1(at: number, length: number): string {
    if (length > MAX_BYTES || length === 0) return this.#memory.latin1(at, length);
    const { view } = this.#memory;
    const last = (length - 1) >> 2;
    const lastMask = 0xffff_ffff >>> ((3 - ((length - 1) & 3)) * 8);
    // Sums of products do not wait for each other, as the steps of a chain would.
    let factor = SPREAD;
    let sum = length;
    for (let i = 0; i < last; i++) {
      sum = (sum + Math.imul(view.getUint32(at + i * 4, true), factor)) | 0;
      factor = (factor + FACTOR_STEP) | 0;
    }
    sum = (sum + Math.imul(view.getUint32(at + last * 4, true) & lastMask, factor)) | 0;
    const place = Math.imul(sum ^ (sum >>> 15), SPREAD) >>> this.#shift;
    const known = this.#texts[place]!;
    if (known.length === length && this.#holds(place, at, last, lastMask)) return known;
    const text = this.#memory.latin1(at, length);
    this.#texts[place] = text;
    for (let i = 0; i <= last; i++) this.#words[place * WORDS + i] = view.getUint32(at + i * 4, true);
    return text;
  }

  #holds(place: number, at: number, last: number, lastMask: number): boolean {
    const { view } = this.#memory;
    const first = place * WORDS;
    for (let i = 0; i < last; i++) {
      if (this.#words[first + i] !== view.getUint32(at + i * 4, true)) return false;
    }
    return ((this.#words[first + last]! ^ view.getUint32(at + last * 4, true)) & lastMask) === 0;
  }
}
