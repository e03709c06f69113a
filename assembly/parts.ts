/** What the checks of the parts of a table region share. */
import { TABLES_HEADER_SIZE_AT } from './abi/layout.gen';

/** What a check answers: the part is good, or elements are left, or one is bad. */
export const PART_GOOD: i32 = 0;
export const PART_MORE: i32 = 1;
export const PART_BAD: i32 = 2;

/** `count` elements of `stride` bytes from an aligned `offset` lie inside the region. */
export function fits(tables: usize, offset: u32, count: u32, stride: u32): bool {
  const length = load<u32>(tables, TABLES_HEADER_SIZE_AT);
  return (offset & 7) == 0 && offset <= length && count <= (length - offset) / stride;
}
