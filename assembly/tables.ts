/**
 * Look-up tables in the memory after the fixed regions: two slots, so that a new table region is verified
 * while the old one still answers. An image reads the newest region made for it.
 */
import {
  ABI_VERSION,
  IMAGE_HEADER_TABLES_ID_AT,
  MAGIC_TABLES,
  STATUS_BAD_ARGUMENT,
  STATUS_TABLES_ABI,
  STATUS_TABLES_BOUNDS,
  STATUS_TABLES_CHECKSUM,
  STATUS_TABLES_MAGIC,
  STATUS_TABLES_MEMORY,
  STATUS_TABLES_SIZE,
  TABLES_HEADER_ABI_AT,
  TABLES_HEADER_BYTES,
  TABLES_HEADER_DIGEST_AT,
  TABLES_HEADER_MAGIC_AT,
  TABLES_HEADER_SIZE_AT,
  TABLES_HEADER_TABLES_ID_AT,
} from './abi/layout.gen';
import { DIGEST } from './memory';
import { PART_BAD, PART_MORE } from './parts';
import { sha256Blocks, sha256Finish, sha256Start } from './sha256';
import { activeImage } from './state';
import { checkExtents, checkPart, PARTS, startPart } from './table-bounds';

const PAGE: i32 = 65_536;
/** 1 GiB: addresses stay positive as i32, and a table region cannot take the host's memory. */
const MAX_PAGES: i32 = 16_384;
const MORE: i32 = 1;
/** A search may read so many bytes behind the region, and leaves them out of its answer. */
const OVERREAD: u64 = 64;
/** Newest region, the one before it, and the one being verified: address and size each. */
const NEWEST: usize = memory.data(64, 8);
const OLDER: usize = NEWEST + 8;
const PENDING: usize = NEWEST + 16;
/** How many bytes after the digest were hashed, and the hash value so far. */
const HASHED: usize = NEWEST + 24;
/** The part to check next, NO_PART while bytes are still to be hashed. */
const PART: usize = NEWEST + 28;
const HASH: usize = NEWEST + 32;
const NO_PART: i32 = -1;

/** The region an image reads, 0 when none was made for it. */
export function tablesFor(image: usize): usize {
  if (matches(load<u32>(NEWEST), image)) return load<u32>(NEWEST);
  return matches(load<u32>(OLDER), image) ? <usize>load<u32>(OLDER) : 0;
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
  const end = <u64>at + <u64>length + OVERREAD;
  const pages = <i32>((end + PAGE - 1) >> 16);
  if (pages > MAX_PAGES) return STATUS_TABLES_MEMORY;
  if (pages > memory.size() && memory.grow(pages - memory.size()) < 0) return STATUS_TABLES_MEMORY;
  store<u32>(PENDING, <u32>at, 0);
  store<i32>(PENDING, length, 4);
  store<i32>(HASHED, 0);
  store<i32>(PART, NO_PART);
  sha256Start(HASH);
  return <i32>at;
}

/**
 * Verifies a part of the reserved region, at most about `budget` bytes: MORE while something is left, 0 once it is
 * in use, or a status.
 */
export function verifyTables(budget: i32): i32 {
  const tables = <usize>load<u32>(PENDING);
  if (tables == 0 || budget < 64) return STATUS_BAD_ARGUMENT;
  return load<i32>(PART) == NO_PART ? hashMore(tables, budget) : checkMore(tables, budget);
}

/** The digest comes first: what is checked afterwards is what its maker wrote. */
function hashMore(tables: usize, budget: i32): i32 {
  const length = load<i32>(PENDING, 4);
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
  if (!checkExtents(tables)) return refuse(STATUS_TABLES_BOUNDS);
  store<i32>(PART, 0);
  startPart();
  return MORE;
}

function checkMore(tables: usize, budget: i32): i32 {
  const part = load<i32>(PART);
  const answer = checkPart(tables, part, <u32>(budget >> 2));
  if (answer == PART_BAD) return refuse(STATUS_TABLES_BOUNDS);
  if (answer == PART_MORE) return MORE;
  store<i32>(PART, part + 1);
  startPart();
  if (part + 1 < PARTS) return MORE;
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
