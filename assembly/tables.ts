/**
 * Look-up tables in the memory after the fixed regions: two slots, so that a new table region is verified
 * while the old one still answers. An image reads the newest region made for it.
 */
import {
  ABI_VERSION,
  IMAGE_HEADER_TABLES_ID_AT,
  MAGIC_TABLES,
  MAX_CIDR_TABLES,
  MAX_TABLES,
  STATUS_BAD_ARGUMENT,
  STATUS_TABLES_ABI,
  STATUS_TABLES_BOUNDS,
  STATUS_TABLES_CHECKSUM,
  STATUS_TABLES_MAGIC,
  STATUS_TABLES_MEMORY,
  STATUS_TABLES_SIZE,
  TABLE_BYTES,
  TABLE_CIDR,
  TABLE_COUNT_AT,
  TABLE_DATA_LENGTH_AT,
  TABLE_HASH,
  TABLE_HOST,
  TABLE_KIND_AT,
  TABLE_NUMBER,
  TABLE_OFFSET_AT,
  TABLES_HEADER_ABI_AT,
  TABLES_HEADER_BYTES,
  TABLES_HEADER_CIDR4_COUNT_AT,
  TABLES_HEADER_CIDR4_OFFSET_AT,
  TABLES_HEADER_CIDR6_COUNT_AT,
  TABLES_HEADER_CIDR6_OFFSET_AT,
  TABLES_HEADER_COUNT_AT,
  TABLES_HEADER_DIGEST_AT,
  TABLES_HEADER_MAGIC_AT,
  TABLES_HEADER_SIZE_AT,
  TABLES_HEADER_TABLES_ID_AT,
} from './abi/layout.gen';
import { DIGEST } from './memory';
import { sha256Blocks, sha256Finish, sha256Start } from './sha256';
import { activeImage } from './state';

const PAGE: i32 = 65_536;
/** 1 GiB: addresses stay positive as i32, and a table region cannot take the host's memory. */
const MAX_PAGES: i32 = 16_384;
const MORE: i32 = 1;
/** Bytes of one interval: IPv4 start and membership bits; IPv6 two halves of the start and the bits. */
const CIDR4_BYTES: u32 = 12;
const CIDR6_BYTES: u32 = 24;

/** Newest region, the one before it, and the one being verified: address and size each. */
const NEWEST: usize = memory.data(64, 8);
const OLDER: usize = NEWEST + 8;
const PENDING: usize = NEWEST + 16;
/** How many bytes after the digest were hashed, and the hash value so far. */
const HASHED: usize = NEWEST + 24;
const HASH: usize = NEWEST + 32;

/** The region an image reads, 0 when none was made for it. */
export function tablesFor(image: usize): usize {
  if (matches(load<u32>(NEWEST), image)) return load<u32>(NEWEST);
  return matches(load<u32>(OLDER), image) ? load<u32>(OLDER) : 0;
}

function matches(tables: usize, image: usize): bool {
  if (tables == 0 || image == 0) return false;
  return load<u64>(tables, TABLES_HEADER_TABLES_ID_AT) == load<u64>(image, IMAGE_HEADER_TABLES_ID_AT);
}

/**
 * Makes room for a region of `length` bytes beside the one in use and returns its address, or a status.
 * Memory may grow, after which a host must make its views anew.
 */
export function reserveTables(length: i32): i32 {
  if (length < TABLES_HEADER_BYTES) return STATUS_TABLES_SIZE;
  // The region the image in force reads stays; the other one gives way.
  const inUse = tablesFor(activeImage());
  if (inUse != 0 && inUse == load<u32>(OLDER)) store<u64>(NEWEST, load<u64>(OLDER));
  store<u64>(OLDER, 0);
  store<u64>(PENDING, 0);
  const base = (__heap_base + 15) & ~15;
  const kept = <usize>load<u32>(NEWEST);
  let at = base;
  if (kept != 0 && base + <usize>length > kept) at = (kept + load<u32>(NEWEST, 4) + 15) & ~15;
  const end = <u64>at + <u64>length;
  const pages = <i32>((end + PAGE - 1) >> 16);
  if (pages > MAX_PAGES) return STATUS_TABLES_MEMORY;
  if (pages > memory.size() && memory.grow(pages - memory.size()) < 0) return STATUS_TABLES_MEMORY;
  store<u32>(PENDING, <u32>at, 0);
  store<i32>(PENDING, length, 4);
  store<i32>(HASHED, 0);
  sha256Start(HASH);
  return <i32>at;
}

/** Verifies at most `budget` more bytes of the reserved region: MORE while bytes are left, 0 once it is in use, or a status. */
export function verifyTables(budget: i32): i32 {
  const tables = <usize>load<u32>(PENDING);
  const length = load<i32>(PENDING, 4);
  if (tables == 0 || budget < 64) return STATUS_BAD_ARGUMENT;
  const hashed = load<i32>(HASHED);
  if (hashed == 0) {
    const status = checkHeader(tables, length);
    if (status < 0) return refuse(status);
  }
  const content = length - TABLES_HEADER_ABI_AT;
  const whole = content & ~63;
  const step = min(whole - hashed, budget & ~63);
  sha256Blocks(HASH, tables + TABLES_HEADER_ABI_AT + hashed, step);
  store<i32>(HASHED, hashed + step);
  if (hashed + step < whole) return MORE;
  sha256Finish(HASH, tables + TABLES_HEADER_ABI_AT + whole, content & 63, content);
  if (memory.compare(DIGEST, tables + TABLES_HEADER_DIGEST_AT, 32) != 0)
    return refuse(STATUS_TABLES_CHECKSUM);
  if (!checkBounds(tables, length)) return refuse(STATUS_TABLES_BOUNDS);
  store<u64>(OLDER, load<u64>(NEWEST));
  store<u64>(NEWEST, load<u64>(PENDING));
  store<u64>(PENDING, 0);
  return 0;
}

function refuse(status: i32): i32 {
  store<u64>(PENDING, 0);
  return status;
}

function checkHeader(tables: usize, length: i32): i32 {
  if (load<i32>(tables, TABLES_HEADER_MAGIC_AT) != MAGIC_TABLES) return STATUS_TABLES_MAGIC;
  if (load<i32>(tables, TABLES_HEADER_SIZE_AT) != length) return STATUS_TABLES_SIZE;
  return load<i32>(tables, TABLES_HEADER_ABI_AT) == ABI_VERSION ? 0 : STATUS_TABLES_ABI;
}

/** `count` elements of `stride` bytes from an aligned `offset` lie inside the region. */
function fits(offset: u32, count: u32, stride: u32, length: u32): bool {
  return (offset & 7) == 0 && offset <= length && count <= (length - offset) / stride;
}

function checkBounds(tables: usize, size: i32): bool {
  const length = <u32>size;
  const count = load<u32>(tables, TABLES_HEADER_COUNT_AT);
  if (count > <u32>MAX_TABLES || !fits(TABLES_HEADER_BYTES, count, TABLE_BYTES, length)) return false;
  if (
    !fits(
      load<u32>(tables, TABLES_HEADER_CIDR4_OFFSET_AT),
      load<u32>(tables, TABLES_HEADER_CIDR4_COUNT_AT),
      CIDR4_BYTES,
      length,
    )
  ) {
    return false;
  }
  if (
    !fits(
      load<u32>(tables, TABLES_HEADER_CIDR6_OFFSET_AT),
      load<u32>(tables, TABLES_HEADER_CIDR6_COUNT_AT),
      CIDR6_BYTES,
      length,
    )
  ) {
    return false;
  }
  for (let i: u32 = 0; i < count; i++)
    if (!checkTable(tables + TABLES_HEADER_BYTES + i * TABLE_BYTES, length)) return false;
  return true;
}

function checkTable(table: usize, length: u32): bool {
  const kind = load<u32>(table, TABLE_KIND_AT);
  const offset = load<u32>(table, TABLE_OFFSET_AT);
  const count = load<u32>(table, TABLE_COUNT_AT);
  if (kind > <u32>TABLE_NUMBER) return false;
  if (kind == TABLE_CIDR) return offset < <u32>MAX_CIDR_TABLES;
  if (kind == TABLE_NUMBER) return fits(offset, count, 8, length);
  if (kind != TABLE_HASH && kind != TABLE_HOST) return true;
  // Open addressing needs a power of two of buckets; where each points is checked as it is read.
  if (count == 0 || (count & (count - 1)) != 0 || !fits(offset, count, 8, length)) return false;
  return load<u32>(table, TABLE_DATA_LENGTH_AT) <= length - offset - count * 8;
}
