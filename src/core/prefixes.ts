/** IP prefixes of one family, in typed arrays: a feed may have a million. */
import type { PrefixReader } from '../pdl/ip.ts';

/** What a prefix says of its addresses: that they are in list `list`, their score in map `map`, or where they come from. */
export type Mark = { readonly list: number } | { readonly map: number; readonly score: number } | Origin;

/** Autonomous system and country of addresses; what is null is as in the shorter prefix around it. */
export interface Origin {
  /** 1 to 4,294,967,295. */
  readonly asn: number | null;
  /** ISO 3166-1 alpha-2, such as `NL`. */
  readonly country: string | null;
}

const V4_OFFSET = 96;

/** Digits that prefixes are sorted by, and how many values one has. */
const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

export class Prefixes {
  /** 32-bit words of an address: 1 for IPv4, 4 for IPv6. */
  readonly words: 1 | 4;
  /** Different marks, each kept once for all prefixes in a row that have it. */
  readonly #marks: Mark[] = [];
  #markOf: Uint32Array = new Uint32Array(16);
  #starts: Uint32Array;
  #lengths = new Uint8Array(16);
  count = 0;

  constructor(words: 1 | 4) {
    this.words = words;
    this.#starts = new Uint32Array(16 * words);
  }

  /**
   * @param address As words, the most significant first, of which the first `skipped` are left out; bits beyond `length`
   * are cleared.
   */
  add(address: Uint32Array, skipped: number, length: number, mark: Mark): void {
    const { words, count } = this;
    if (count === this.#lengths.length) {
      this.#starts = grown(this.#starts, new Uint32Array(count * 2 * words));
      this.#lengths = grown(this.#lengths, new Uint8Array(count * 2));
      this.#markOf = grown(this.#markOf, new Uint32Array(count * 2));
    }
    for (let i = 0; i < words; i++) {
      const kept = Math.min(Math.max(length - i * 32, 0), 32);
      const mask = kept === 0 ? 0 : 0xffff_ffff << (32 - kept);
      this.#starts[count * words + i] = address[skipped + i]! & mask;
    }
    this.#lengths[count] = length;
    if (this.#marks.at(-1) !== mark) this.#marks.push(mark);
    this.#markOf[count] = this.#marks.length - 1;
    this.count++;
  }

  mark(prefix: number): Mark {
    return this.#marks[this.#markOf[prefix]!]!;
  }

  start(prefix: number, word: number): number {
    return this.#starts[prefix * this.words + word]!;
  }

  length(prefix: number): number {
    return this.#lengths[prefix]!;
  }

  /** A word of the last address. */
  last(prefix: number, word: number): number {
    const kept = Math.min(Math.max(this.length(prefix) - word * 32, 0), 32);
    const free = kept === 32 ? 0 : 0xffff_ffff >>> kept;
    return (this.start(prefix, word) | free) >>> 0;
  }

  /** Indexes by address, the shorter prefix first; equal prefixes in the order they were added. */
  order(): Uint32Array {
    const { words, count } = this;
    let order = Uint32Array.from({ length: count }, (_, i) => i);
    let other = new Uint32Array(count);
    const sortBy = (keys: Uint32Array | Uint8Array, stride: number, at: number, shift: number): void => {
      if (!sortByDigit(order, other, keys, stride, at, shift)) return;
      [order, other] = [other, order];
    };
    sortBy(this.#lengths, 1, 0, 0);
    for (let word = words - 1; word >= 0; word--) {
      for (let shift = 0; shift < 32; shift += DIGIT_BITS) sortBy(this.#starts, words, word, shift);
    }
    return order;
  }
}

/**
 * One pass of a radix sort, which begins with the least digit: writes `order` to `into` by a digit of each index' key, and
 * keeps it where digits are equal. False when all are, and nothing was written.
 */
function sortByDigit(
  order: Uint32Array,
  into: Uint32Array,
  keys: Uint32Array | Uint8Array,
  stride: number,
  at: number,
  shift: number,
): boolean {
  const places = new Uint32Array(DIGITS);
  for (let i = 0; i < order.length; i++) places[(keys[i * stride + at]! >>> shift) & (DIGITS - 1)]!++;
  for (let digit = 0, first = 0; digit < DIGITS; digit++) {
    const those = places[digit]!;
    if (those === order.length) return false;
    places[digit] = first;
    first += those;
  }
  for (let i = 0; i < order.length; i++) {
    const index = order[i]!;
    into[places[(keys[index * stride + at]! >>> shift) & (DIGITS - 1)]!++] = index;
  }
  return true;
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

const MAPPED = 0xffff;

/** Both families. */
export class PrefixLists {
  readonly v4: Prefixes = new Prefixes(1);
  readonly v6: Prefixes = new Prefixes(4);

  /** Adds an address or a prefix, whose host bits are ignored; IPv4-mapped ones count as IPv4. */
  add({ words, bits }: Pick<PrefixReader, 'words' | 'bits'>, mark: Mark): void {
    const isMapped = words[0] === 0 && words[1] === 0 && words[2] === MAPPED;
    if (isMapped && bits >= V4_OFFSET) this.v4.add(words, 3, bits - V4_OFFSET, mark);
    else this.v6.add(words, 0, bits, mark);
  }
}
