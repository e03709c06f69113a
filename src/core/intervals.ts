/** Cuts an address space at the ends of its prefixes, which may overlap and nest in any way. */
import { EMPTY_LEAF, type Leaves } from './leaves.ts';
import type { Prefixes } from './prefixes.ts';

/** Ascending starts (`words` 32-bit words each, the most significant first) and a leaf for each; the first is 0. */
export class Intervals {
  readonly words: 1 | 4;
  starts: Uint32Array;
  leaves: Uint32Array;
  count = 1;

  constructor(words: 1 | 4, capacity: number) {
    this.words = words;
    this.starts = new Uint32Array(capacity * words);
    this.leaves = new Uint32Array(capacity);
    this.leaves[0] = EMPTY_LEAF;
  }

  /** From `start` on, which is not below the last start, addresses have `leaf`. */
  cut(start: Uint32Array, leaf: number): void {
    const { words, leaves } = this;
    const last = this.count - 1;
    if (this.#isAt(last, start)) {
      leaves[last] = leaf;
      if (last > 0 && leaves[last - 1] === leaf) this.count--;
      return;
    }
    if (leaves[last] === leaf) return;
    this.starts.set(start, this.count * words);
    leaves[this.count] = leaf;
    this.count++;
  }

  #isAt(index: number, start: Uint32Array): boolean {
    for (let i = 0; i < this.words; i++) {
      if (this.starts[index * this.words + i] !== start[i]) return false;
    }
    return true;
  }
}

/**
 * Walks the prefixes from the lowest address to the highest. Two prefixes are either apart or one holds the other,
 * so the ones around the current address are a stack, no deeper than an address has bits.
 */
export function cutIntervals(prefixes: Prefixes, leaves: Leaves): Intervals {
  const { words } = prefixes;
  const intervals = new Intervals(words, prefixes.count * 2 + 1);
  const open: { readonly prefix: number; leaf: number }[] = [];
  const at = new Uint32Array(words);
  const close = (): void => {
    const { prefix } = open.pop()!;
    let carry = 1;
    for (let i = words - 1; i >= 0; i--) {
      const next = prefixes.last(prefix, i) + carry;
      carry = next > 0xffff_ffff ? 1 : 0;
      at[i] = next;
    }
    if (carry === 0) intervals.cut(at, open.at(-1)?.leaf ?? EMPTY_LEAF);
  };
  for (const prefix of prefixes.order()) {
    while (open.length > 0 && isBelow(prefixes, open.at(-1)!.prefix, prefix)) close();
    const around = open.at(-1);
    const leaf = leaves.marked(around?.leaf ?? EMPTY_LEAF, prefixes.mark(prefix));
    if (around && prefixes.length(around.prefix) === prefixes.length(prefix)) around.leaf = leaf;
    else open.push({ prefix, leaf });
    for (let i = 0; i < words; i++) at[i] = prefixes.start(prefix, i);
    intervals.cut(at, leaf);
  }
  while (open.length > 0) close();
  return intervals;
}

/** Does prefix `a` end before `b` begins? */
function isBelow(prefixes: Prefixes, a: number, b: number): boolean {
  for (let i = 0; i < prefixes.words; i++) {
    const difference = prefixes.last(a, i) - prefixes.start(b, i);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
