/**
 * Longest-prefix match. The address space of each family is cut into intervals over which nothing changes: a run of
 * ascending starts, and a value for each. IPv4 is one run of 32-bit starts. IPv6 is a run over the high halves of
 * addresses, whose values may name a run over the low halves. A directory over the leading bits narrows the search
 * in a family's first run. Every other value is a leaf: what holds for each address of its interval.
 */
import {
  LEAF_BYTES,
  PREFIXES_BASE_AT,
  PREFIXES_COUNT_AT,
  PREFIXES_DIRECTORY_AT,
  PREFIXES_SHIFT_AT,
  PREFIXES_SLOTS_AT,
  PREFIXES_STARTS_AT,
  PREFIXES_VALUES_AT,
  RUN_BYTES,
  RUN_COUNT_AT,
  RUN_FIRST_AT,
  TABLES_HEADER_LEAVES_OFFSET_AT,
  TABLES_HEADER_RUNS_OFFSET_AT,
  TABLES_HEADER_V4_AT,
  TABLES_HEADER_V6_AT,
} from './abi/layout.gen';
import { be32 } from './bytes';

/** Set in a value that names a run. */
export const IS_RUN: u32 = 0x8000_0000;

/** The leaf of an IPv4 address (4 bytes, network order). The tables have been verified. */
export function leafOfIp4(tables: usize, at: usize): usize {
  return leafAt(tables, findFirst<u32>(tables, tables + TABLES_HEADER_V4_AT, be32(at)));
}

/** The leaf of an IPv6 address (16 bytes, network order). */
export function leafOfIp6(tables: usize, at: usize): usize {
  const prefixes = tables + TABLES_HEADER_V6_AT;
  const value = findFirst<u64>(tables, prefixes, bswap<u64>(load<u64>(at)));
  if ((value & IS_RUN) == 0) return leafAt(tables, value);
  const run = tables + load<u32>(tables, TABLES_HEADER_RUNS_OFFSET_AT) + (value ^ IS_RUN) * RUN_BYTES;
  const first = load<u32>(run, RUN_FIRST_AT);
  const starts = tables + load<u32>(prefixes, PREFIXES_STARTS_AT) + ((<usize>first) << 3);
  const index =
    first + lastAtOrBelow<u64>(starts, load<u32>(run, RUN_COUNT_AT), bswap<u64>(load<u64>(at, 8)));
  return leafAt(tables, load<u32>(tables + load<u32>(prefixes, PREFIXES_VALUES_AT) + ((<usize>index) << 2)));
}

function leafAt(tables: usize, leaf: u32): usize {
  return tables + load<u32>(tables, TABLES_HEADER_LEAVES_OFFSET_AT) + leaf * LEAF_BYTES;
}

/** The value of the interval of a family's first run that holds `key`. */
function findFirst<T>(tables: usize, prefixes: usize, key: T): u32 {
  const starts = tables + load<u32>(prefixes, PREFIXES_STARTS_AT);
  const slots = load<u32>(prefixes, PREFIXES_SLOTS_AT);
  const base = load<T>(prefixes, PREFIXES_BASE_AT);
  let low: u32 = 0;
  let count = load<u32>(prefixes, PREFIXES_COUNT_AT);
  if (slots > 0) {
    // Slot i holds the last interval that begins at or below base + (i << shift); everything below base is the first.
    if (key < base) count = 1;
    else {
      const slot = <u32>min<u64>((<u64>key - <u64>base) >> load<u32>(prefixes, PREFIXES_SHIFT_AT), slots - 1);
      const directory = tables + load<u32>(prefixes, PREFIXES_DIRECTORY_AT) + ((<usize>slot) << 2);
      low = load<u32>(directory);
      count = load<u32>(directory, 4) - low + 1;
    }
  }
  const index = low + lastAtOrBelow<T>(starts + <usize>low * sizeof<T>(), count, key);
  return load<u32>(tables + load<u32>(prefixes, PREFIXES_VALUES_AT) + ((<usize>index) << 2));
}

/** Index of the last of `count` (at least 1) ascending starts that is not above `key`; the first is taken for granted. */
function lastAtOrBelow<T>(starts: usize, count: u32, key: T): u32 {
  let at = starts;
  let left = count;
  while (left > 1) {
    const half = left >> 1;
    const middle = at + <usize>half * sizeof<T>();
    at = load<T>(middle) <= key ? middle : at;
    left -= half;
  }
  return <u32>((at - starts) / sizeof<T>());
}
