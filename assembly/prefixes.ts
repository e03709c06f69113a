/**
 * Longest-prefix match. The address space of each family is cut into intervals over which nothing changes, in the
 * order of their starts; an entry is a start and a value. IPv4 is one run of entries with 32-bit starts. IPv6 is a run
 * over the high halves of addresses, whose values may name a run over the low halves. A tree of directories leads from
 * the leading bits of an address to a few entries of a family's first run, so that a look-up touches little memory.
 * A value that names no run is a leaf: what holds for each address of its interval.
 */
import {
  LEAF_BYTES,
  NODE_BASE_AT,
  NODE_BYTES,
  NODE_FIRST_SLOT_AT,
  NODE_SHIFT_AT,
  NODE_SLOTS_AT,
  PREFIXES_COUNT_AT,
  PREFIXES_DIRECTORY_AT,
  PREFIXES_ENTRIES_AT,
  PREFIXES_NODE_COUNT_AT,
  PREFIXES_NODES_AT,
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
/** Set in a slot of a directory that names a node, another directory, instead of an entry. */
export const IS_NODE: u32 = 0x8000_0000;

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
  const entries =
    tables + load<u32>(prefixes, PREFIXES_ENTRIES_AT) + ((<usize>load<u32>(run, RUN_FIRST_AT)) << 4);
  return leafAt(tables, findLow(entries, load<u32>(run, RUN_COUNT_AT), bswap<u64>(load<u64>(at, 8))));
}

function leafAt(tables: usize, leaf: u32): usize {
  return tables + load<u32>(tables, TABLES_HEADER_LEAVES_OFFSET_AT) + leaf * LEAF_BYTES;
}

/** The value of the entry of a family's first run whose interval holds `key`. */
function findFirst<T>(tables: usize, prefixes: usize, key: T): u32 {
  const stride = sizeof<T>() << 1;
  const entries = tables + load<u32>(prefixes, PREFIXES_ENTRIES_AT);
  let entry = entries;
  if (load<u32>(prefixes, PREFIXES_NODE_COUNT_AT) > 0) {
    entry += <usize>startFor<T>(tables, prefixes, key) * stride;
  }
  const last = entries + <usize>(load<u32>(prefixes, PREFIXES_COUNT_AT) - 1) * stride;
  while (entry < last && load<T>(entry + stride) <= key) entry += stride;
  return load<u32>(entry + sizeof<T>());
}

/** An entry at or shortly before the one of `key`, by the directories. */
function startFor<T>(tables: usize, prefixes: usize, key: T): u32 {
  const nodes = tables + load<u32>(prefixes, PREFIXES_NODES_AT);
  const directory = tables + load<u32>(prefixes, PREFIXES_DIRECTORY_AT);
  let node = nodes;
  if (key < load<T>(node, NODE_BASE_AT)) return 0;
  while (true) {
    const away = <u64>key - <u64>load<T>(node, NODE_BASE_AT);
    const slot = <u32>min<u64>(away >> load<u32>(node, NODE_SHIFT_AT), load<u32>(node, NODE_SLOTS_AT) - 1);
    const value = load<u32>(directory + ((<usize>(load<u32>(node, NODE_FIRST_SLOT_AT) + slot)) << 2));
    if (value < IS_NODE) return value;
    node = nodes + (value ^ IS_NODE) * NODE_BYTES;
  }
}

/** The value of the last of `count` (at least 1) entries that does not start above `key`; the first is taken for granted. */
function findLow(entries: usize, count: u32, key: u64): u32 {
  let at = entries;
  let left = count;
  while (left > 1) {
    const half = left >> 1;
    const middle = at + ((<usize>half) << 4);
    if (load<u64>(middle) <= key) at = middle;
    left -= half;
  }
  return load<u32>(at, 8);
}
