/** A list of prefixes to look single addresses up in: disjoint ranges in ascending order, found by halving. */
import { type Prefix, parsePrefix } from '../pdl/ip.ts';

const ADDRESS_BYTES = 16;
const RANGE_BYTES = 2 * ADDRESS_BYTES;

/** The first and the last address of each range, 16 bytes each; what is no prefix is left out. */
export function rangesOf(members: readonly string[]): Uint8Array {
  const prefixes = members.flatMap((text) => parsePrefix(text) ?? []);
  const ranges = prefixes.map((prefix) => ({ first: endOf(prefix, 0), last: endOf(prefix, 0xff) }));
  ranges.sort((a, b) => Buffer.compare(a.first, b.first));
  const apart: typeof ranges = [];
  for (const range of ranges) {
    const before = apart.at(-1);
    // why: of two prefixes that meet, one holds the other.
    if (before === undefined || Buffer.compare(before.last, range.first) < 0) apart.push(range);
    else if (Buffer.compare(before.last, range.last) < 0) before.last = range.last;
  }
  return Buffer.concat(apart.flatMap(({ first, last }) => [first, last]));
}

/** The first (`fill` 0) or last (`fill` 255) address of a prefix. */
function endOf({ bytes, bits }: Prefix, fill: number): Uint8Array {
  return bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    const mask = (0xff00 >> kept) & 0xff;
    return (byte & mask) | (fill & ~mask & 0xff);
  });
}

/** @param ranges As `rangesOf` makes them. @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d. */
export function isInRanges(ranges: Uint8Array, ip: Uint8Array): boolean {
  const at = (index: number): Uint8Array =>
    ranges.subarray(index * ADDRESS_BYTES, (index + 1) * ADDRESS_BYTES);
  let low = 0;
  let high = ranges.length / RANGE_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (Buffer.compare(at(middle * 2 + 1), ip) < 0) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length / RANGE_BYTES && Buffer.compare(at(low * 2), ip) <= 0;
}
