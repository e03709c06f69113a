/** Prefixes as the decision core searches them: cuts of both families' address spaces, and what holds between them. */
import { cutIntervals, type Intervals } from './intervals.ts';
import { Leaves } from './leaves.ts';
import type { PrefixLists } from './prefixes.ts';
import { type Cuts, type EncodedTrie, encodeTrie, IS_LOW, type LowCuts } from './trie.ts';

/** The last high half. */
const TOP = 0xffff_ffff_ffff_ffffn;

export interface PrefixTable {
  readonly trie: EncodedTrie;
  readonly leaves: Uint8Array;
  readonly leafCount: number;
  readonly haveOrigins: boolean;
}

/** @throws RangeError when there are more combinations of lists and origins than can be told apart. */
export function buildPrefixTable(lists: PrefixLists): PrefixTable {
  const leaves = new Leaves();
  const v4 = cutIntervals(lists.v4, leaves);
  const { high, low } = splitHalves(cutIntervals(lists.v6, leaves));
  const keys = new BigUint64Array(v4.count);
  for (let i = 0; i < v4.count; i++) keys[i] = BigInt(v4.starts[i]!);
  const flat: Cuts = { leastKeyWidth: 1, keys, values: v4.leaves, count: v4.count };
  return {
    trie: encodeTrie(high, low, flat),
    leaves: leaves.encode(),
    leafCount: leaves.count,
    haveOrigins: leaves.haveOrigins,
  };
}

/** Cuts while they are collected. */
class CutList implements Cuts {
  readonly leastKeyWidth = 2;
  readonly keys: BigUint64Array;
  readonly values: Uint32Array;
  count = 0;

  constructor(capacity: number) {
    this.keys = new BigUint64Array(capacity);
    this.values = new Uint32Array(capacity);
  }

  add(key: bigint, value: number): void {
    this.keys[this.count] = key;
    this.values[this.count++] = value;
  }
}

/** Intervals of 128-bit starts as cuts over high halves, and parts over the low halves of those that are cut inside. */
function splitHalves(intervals: Intervals): { readonly high: Cuts; readonly low: LowCuts } {
  // Each interval begins one high half, may be cut inside it, and lead to one more that goes on behind it.
  const high = new CutList(intervals.count * 2 + 1);
  const low = new CutList(intervals.count * 2);
  const parts: [number, number][] = [];
  const half = (index: number, word: number): bigint =>
    (BigInt(intervals.starts[index * 4 + word]!) << 32n) | BigInt(intervals.starts[index * 4 + word + 1]!);
  const goOn = (before: number): void => {
    if (high.count === 0 || high.values[high.count - 1]! < IS_LOW) return;
    high.add(high.keys[high.count - 1]! + 1n, before);
  };
  let before = intervals.leaves[0]!;
  for (let i = 0; i < intervals.count; ) {
    const start = half(i, 0);
    // Where the last high half was cut inside, the next one goes on with what held at its end.
    if (high.count > 0 && start > high.keys[high.count - 1]! + 1n) goOn(before);
    const isWhole = half(i, 2) === 0n && (i + 1 === intervals.count || half(i + 1, 0) !== start);
    if (isWhole) {
      before = intervals.leaves[i++]!;
      high.add(start, before);
      continue;
    }
    high.add(start, IS_LOW + parts.length);
    const first = low.count;
    if (half(i, 2) !== 0n) low.add(0n, before);
    for (; i < intervals.count && half(i, 0) === start; i++) {
      before = intervals.leaves[i]!;
      low.add(half(i, 2), before);
    }
    parts.push([first, low.count - first]);
  }
  if (high.keys[high.count - 1]! < TOP) goOn(before);
  return { high, low: Object.assign(low, { parts }) };
}
