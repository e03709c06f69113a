/** Prefixes as the decision core searches them; assembly/prefixes.ts tells the form. */
import { cutIntervals, type Intervals } from './intervals.ts';
import * as L from './layout.gen.ts';
import { Leaves } from './leaves.ts';
import type { PrefixLists } from './prefixes.ts';

/** Set in a value that names a run. */
const IS_RUN = 0x8000_0000;
/** Fewer intervals are searched without a directory. */
const MIN_FOR_DIRECTORY = 32;
const MAX_SLOTS = 65_536;

/** Ascending starts and their values; the first `first` of them are the family's first run. */
interface Family {
  readonly starts: Uint32Array | BigUint64Array;
  readonly values: Uint32Array;
  readonly first: number;
  readonly directory: Directory;
}

interface Directory {
  readonly slots: Uint32Array;
  readonly base: bigint;
  readonly shift: number;
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
  const { runs, ...v6 } = splitHalves(cutIntervals(lists.v6, leaves));
  return {
    v4: familyOf(v4.starts.slice(0, v4.count), v4.leaves.slice(0, v4.count), v4.count),
    v6: familyOf(v6.starts, v6.values, v6.first),
    runs,
    leaves: leaves.encode(),
    leafCount: leaves.count,
    haveOrigins: leaves.haveOrigins,
  };
}

function familyOf(starts: Family['starts'], values: Uint32Array, first: number): Family {
  return { starts, values, first, directory: makeDirectory(starts, first) };
}

/** Intervals of 128-bit starts as a run over high halves, followed by the runs over low halves. */
function splitHalves(
  intervals: Intervals,
): Pick<Family, 'starts' | 'values' | 'first'> & Pick<PrefixTable, 'runs'> {
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
    starts: BigUint64Array.from([...highs, ...lows]),
    values: Uint32Array.from([...highValues, ...lowValues]),
    first: highs.length,
    runs: runs.map(([first, count]) => [first + highs.length, count]),
  };
}

/** Slot i holds the last interval that begins at or below `base + (i << shift)`; the last slot ends the last one. */
function makeDirectory(starts: Family['starts'], count: number): Directory {
  if (count < MIN_FOR_DIRECTORY) return { slots: new Uint32Array(0), base: 0n, shift: 0 };
  const base = BigInt(starts[1]!);
  const span = BigInt(starts[count - 1]!) - base;
  let shift = 0;
  while (span >> BigInt(shift) >= BigInt(Math.min(MAX_SLOTS, count))) shift++;
  const slots = new Uint32Array(Number(span >> BigInt(shift)) + 2);
  let index = 1;
  for (let slot = 0; slot < slots.length - 1; slot++) {
    const from = base + (BigInt(slot) << BigInt(shift));
    while (index + 1 < count && starts[index + 1]! <= from) index++;
    slots[slot] = index;
  }
  slots[slots.length - 1] = count - 1;
  return { slots, base, shift };
}

/** Where the arrays of a family lie in the region. */
export interface FamilyOffsets {
  readonly starts: number;
  readonly values: number;
  readonly directory: number;
}

/** Writes a family's `PREFIXES` structure. */
export function writeFamily(
  view: DataView,
  at: number,
  { first, directory }: Family,
  offsets: FamilyOffsets,
): void {
  view.setUint32(at + L.PREFIXES_STARTS_AT, offsets.starts, true);
  view.setUint32(at + L.PREFIXES_VALUES_AT, offsets.values, true);
  view.setUint32(at + L.PREFIXES_COUNT_AT, first, true);
  view.setUint32(at + L.PREFIXES_DIRECTORY_AT, offsets.directory, true);
  view.setUint32(at + L.PREFIXES_SLOTS_AT, Math.max(directory.slots.length - 1, 0), true);
  view.setUint32(at + L.PREFIXES_SHIFT_AT, directory.shift, true);
  view.setBigUint64(at + L.PREFIXES_BASE_AT, directory.base, true);
}
