/** Prefixes as the decision core searches them; assembly/prefixes.ts tells the form. */
import { type Directories, makeDirectories } from './directories.ts';
import { cutIntervals, type Intervals } from './intervals.ts';
import * as L from './layout.gen.ts';
import { Leaves } from './leaves.ts';
import type { PrefixLists } from './prefixes.ts';

/** Set in a value that names a run. */
const IS_RUN = 0x8000_0000;

/** A family's entries; the first `first` of them are its first run. */
interface Family {
  readonly entries: Uint8Array;
  readonly first: number;
  readonly directories: Directories;
}

export interface PrefixTable {
  readonly v4: Family;
  readonly v6: Family;
  /** First interval and count of each run over low halves. */
  readonly runs: readonly (readonly [number, number])[];
  readonly leaves: Uint8Array;
  readonly leafCount: number;
  readonly haveOrigins: boolean;
}

export function buildPrefixTable(lists: PrefixLists): PrefixTable {
  const leaves = new Leaves();
  const v4 = cutIntervals(lists.v4, leaves);
  const v6 = splitHalves(cutIntervals(lists.v6, leaves));
  return {
    v4: {
      entries: encodeV4(v4),
      first: v4.count,
      directories: makeDirectories((index) => BigInt(v4.starts[index]!), v4.count),
    },
    v6: {
      entries: encodeV6(v6.starts, v6.values),
      first: v6.first,
      directories: makeDirectories((index) => v6.starts[index]!, v6.first),
    },
    runs: v6.runs,
    leaves: leaves.encode(),
    leafCount: leaves.count,
    haveOrigins: leaves.haveOrigins,
  };
}

function encodeV4({ starts, leaves, count }: Intervals): Uint8Array {
  const words = new Uint32Array(count * 2);
  for (let i = 0; i < count; i++) {
    words[i * 2] = starts[i]!;
    words[i * 2 + 1] = leaves[i]!;
  }
  return new Uint8Array(words.buffer);
}

function encodeV6(starts: readonly bigint[], values: readonly number[]): Uint8Array {
  const words = new BigUint64Array(starts.length * 2);
  starts.forEach((start, i) => {
    words[i * 2] = start;
    words[i * 2 + 1] = BigInt(values[i]!);
  });
  return new Uint8Array(words.buffer);
}

interface Halves extends Pick<PrefixTable, 'runs'> {
  readonly starts: readonly bigint[];
  readonly values: readonly number[];
  readonly first: number;
}

/** Intervals of 128-bit starts as a run over high halves, followed by the runs over low halves. */
function splitHalves(intervals: Intervals): Halves {
  const highs: bigint[] = [];
  const highValues: number[] = [];
  const lows: bigint[] = [];
  const lowValues: number[] = [];
  const runs: [number, number][] = [];
  const half = (index: number, word: number): bigint =>
    (BigInt(intervals.starts[index * 4 + word]!) << 32n) | BigInt(intervals.starts[index * 4 + word + 1]!);
  let before = intervals.leaves[0]!;
  for (let i = 0; i < intervals.count; ) {
    const high = half(i, 0);
    // Where the last high half was cut inside, the next one goes on with what held at its end.
    if (highs.length > 0 && highValues.at(-1)! >= IS_RUN && high > highs.at(-1)! + 1n) {
      highs.push(highs.at(-1)! + 1n);
      highValues.push(before);
    }
    highs.push(high);
    const isWhole = half(i, 2) === 0n && (i + 1 === intervals.count || half(i + 1, 0) !== high);
    if (isWhole) {
      highValues.push(intervals.leaves[i]!);
      before = intervals.leaves[i++]!;
      continue;
    }
    highValues.push(IS_RUN + runs.length);
    const first = lows.length;
    if (half(i, 2) !== 0n) {
      lows.push(0n);
      lowValues.push(before);
    }
    for (; i < intervals.count && half(i, 0) === high; i++) {
      lows.push(half(i, 2));
      before = intervals.leaves[i]!;
      lowValues.push(before);
    }
    runs.push([first, lows.length - first]);
  }
  const top = 0xffff_ffff_ffff_ffffn;
  if (highValues.at(-1)! >= IS_RUN && highs.at(-1)! < top) {
    highs.push(highs.at(-1)! + 1n);
    highValues.push(before);
  }
  return {
    starts: highs.concat(lows),
    values: highValues.concat(lowValues),
    first: highs.length,
    runs: runs.map(([first, count]) => [first + highs.length, count]),
  };
}

/** Where the arrays of a family lie in the region. */
export interface FamilyOffsets {
  readonly entries: number;
  readonly nodes: number;
  readonly slots: number;
}

/** Writes a family's `PREFIXES` structure. */
export function writeFamily(
  view: DataView,
  at: number,
  { first, directories }: Family,
  offsets: FamilyOffsets,
): void {
  view.setUint32(at + L.PREFIXES_ENTRIES_AT, offsets.entries, true);
  view.setUint32(at + L.PREFIXES_COUNT_AT, first, true);
  view.setUint32(at + L.PREFIXES_NODES_AT, offsets.nodes, true);
  view.setUint32(at + L.PREFIXES_NODE_COUNT_AT, directories.nodes.length / L.NODE_BYTES, true);
  view.setUint32(at + L.PREFIXES_DIRECTORY_AT, offsets.slots, true);
  view.setUint32(at + L.PREFIXES_SLOTS_AT, directories.slots.length, true);
}
