/** Looks many addresses up without leaving the module: a benchmark of its own, no part of the core. */
import { LEAF_LISTS_AT } from '../abi/layout.gen';
import { leafOfIp4, leafOfIp6 } from '../prefixes';

/** Where the host may write: first the table region, then the addresses. */
export function base(): usize {
  return (__heap_base + 63) & ~63;
}

/** Reads one random word of the tables for each address; none begins before the last one has ended. */
export function read(tables: usize, length: u32, addresses: usize, width: usize, count: i32): u32 {
  let sum: u32 = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    const key = (load<u32>(addresses + i * width + width - 4) ^ (sum & 1)) * 0x9e37_79b1;
    sum += load<u32>(tables + (<usize>((<u64>key * <u64>length) >> 32) & ~3));
  }
  return sum;
}

/** How many of `count` addresses of 4 or 16 bytes from `addresses` on are in some list. */
export function listed(tables: usize, addresses: usize, width: usize, count: i32): i32 {
  let found = 0;
  for (let i: usize = 0; i < <usize>count; i++) found += find(tables, addresses + i * width, width);
  return found;
}

/** The same, but no look-up begins before the last one has ended. */
export function chained(tables: usize, addresses: usize, width: usize, count: i32): i32 {
  let found = 0;
  let last = 0;
  for (let i: usize = 0; i < <usize>count; i++) {
    // Which of two neighbours is looked up depends on what was found.
    last = find(tables, addresses + (i ^ <usize>last) * width, width);
    found += last;
  }
  return found;
}

function find(tables: usize, at: usize, width: usize): i32 {
  const leaf = width == 4 ? leafOfIp4(tables, at) : leafOfIp6(tables, at);
  return i32(load<u64>(leaf, LEAF_LISTS_AT) != 0);
}
