/** The module's exports: docs/abi.md describes each for a host. */
import {
  ABI_VERSION,
  BUILD_SIMD,
  FORM_HANDSHAKE,
  MAX_FACTS,
  MAX_INPUT_BYTES,
  MAX_KEY_BYTES,
  PROTO_QUIC,
  STATUS_BAD_ARGUMENT,
  STATUS_INPUT_OVERFLOW,
} from './abi/layout.gen';
import { scoreBatch } from './batch';
import { decide } from './decide';
import { writeText } from './fingerprint';
import { solveFront } from './front';
import { parseHello } from './hello';
import { hmacSha256 } from './hmac';
import { loadImage, requiredFacts } from './image';
import { forgetOrigin } from './leaf';
import { md5 } from './md5';
import { INPUT, KEY } from './memory';
import { checkBatch, leadingZeroBits, solve } from './pow';
import { regionAddress, regionSize } from './regions';
import { selftest } from './selftest';
import { sha256 } from './sha256';
import { clearSlots } from './slots';
import { setHelloLimit, setWanted } from './state';
import { parseSyn, setSynFacts } from './syn';
import { reserveTables, verifyTables } from './tables';
import { mintToken, openToken } from './token';

/** Major version in the upper 16 bits, minor in the lower. */
export const sp_abi_version: i32 = ABI_VERSION;

/** BUILD_SIMD for the twin that uses 128-bit vectors, 0 for the scalar build. */
export const sp_build_flags: i32 = ASC_FEATURE_SIMD ? BUILD_SIMD : 0;

/** Address of a region, 0 for an unknown one. That of the image moves with every image loaded. */
export function sp_region(id: i32): usize {
  return regionAddress(id);
}

/** Size of a region in bytes, 0 for an unknown one. */
export function sp_region_size(id: i32): i32 {
  return regionSize(id);
}

export function sp_selftest(): i32 {
  return selftest();
}

/** Forgets every fact, rate and draw. */
export function sp_begin(): void {
  forgetOrigin();
  clearSlots();
}

/** Sets the largest hello accepted, in bytes of the handshake message with its header. */
export function sp_set_hello_limit(bytes: i32): i32 {
  return setHelloLimit(bytes) ? 0 : STATUS_BAD_ARGUMENT;
}

/** Parses `length` bytes of INPUT. */
export function sp_parse(length: i32, form: i32, proto: i32): i32 {
  if (length < 0 || length > MAX_INPUT_BYTES) return STATUS_INPUT_OVERFLOW;
  if (form < 0 || form > FORM_HANDSHAKE || proto < 0 || proto > PROTO_QUIC) return STATUS_BAD_ARGUMENT;
  return parseHello(INPUT, length, form, proto);
}

/** Writes a text of the last parsed hello to TEXT and returns its length. */
export function sp_hello_text(kind: i32): i32 {
  const length = writeText(kind);
  return length < 0 ? STATUS_BAD_ARGUMENT : length;
}

/** Parses the IP packet in `length` bytes of INPUT and sets its facts. */
export function sp_parse_syn(length: i32): i32 {
  if (length < 0 || length > MAX_INPUT_BYTES) return STATUS_INPUT_OVERFLOW;
  const status = parseSyn(INPUT, length);
  setSynFacts();
  return status;
}

/** Verifies `length` bytes of the image region and puts them in force: the epoch, or why not. */
export function sp_load_image(length: i32): i32 {
  return loadImage(length);
}

/** Facts that the policy in force reads: bit i of word w is for fact 32 w + i. */
export function sp_required_facts(word: i32): u32 {
  return word < 0 || word >= MAX_FACTS >> 5 ? 0 : requiredFacts(word);
}

/** Which fingerprints to make of each hello beside those the policy in force reads: a bit by TEXT_… kind. */
export function sp_set_fingerprints(kinds: i32): void {
  setWanted(kinds);
}

/** Address for a table region of `length` bytes, or why there is none. May grow the memory. */
export function sp_reserve_tables(length: i32): i32 {
  return reserveTables(length);
}

/** Verifies at most `budget` bytes of the reserved tables: 1 while more are left, 0 when they are in use. */
export function sp_verify_tables(budget: i32): i32 {
  return verifyTables(budget);
}

/** Decides for a site at a phase; the answer is in the decision region. */
export function sp_decide(site: i32, phase: i32): i32 {
  return decide(site, phase);
}

/** Scores `rows` rows of the columns in the batch region: 0, or why not. */
export function sp_score_batch(score: i32, rows: i32, columns: i32, out: i32): i32 {
  return scoreBatch(score, rows, columns, out);
}

/** Leading zero bits of the SHA-256 of `length` bytes of INPUT. */
export function sp_leading_zero_bits(length: i32): i32 {
  return length < 0 || length > MAX_INPUT_BYTES ? STATUS_INPUT_OVERFLOW : leadingZeroBits(INPUT, length);
}

/** Seeks a nonce for the prefix in `length` bytes of INPUT: its distance from `first`, or -1. */
export function sp_solve(length: i32, first: u32, count: u32, bits: i32): i32 {
  return length < 0 || length > MAX_INPUT_BYTES
    ? STATUS_INPUT_OVERFLOW
    : solve(INPUT, length, first, count, bits);
}

/** As `sp_solve`, with the nonce in eight bytes in front of INPUT, its upper half being `high`. */
export function sp_solve_front(length: i32, high: u32, first: u32, count: u32, bits: i32): i32 {
  return solveFront(INPUT, length, high, first, count, bits);
}

/** Writes the SHA-256 of `length` bytes of INPUT to DIGEST. */
export function sp_sha256(length: i32): i32 {
  if (length < 0 || length > MAX_INPUT_BYTES) return STATUS_INPUT_OVERFLOW;
  sha256(INPUT, length);
  return 0;
}

/** Writes the MD5 of `length` bytes of INPUT to the first 16 bytes of DIGEST. */
export function sp_md5(length: i32): i32 {
  if (length < 0 || length > MAX_INPUT_BYTES) return STATUS_INPUT_OVERFLOW;
  md5(INPUT, length);
  return 0;
}

/** Writes the HMAC-SHA-256 of `length` bytes of INPUT under `key_length` bytes of KEY to DIGEST. */
export function sp_hmac_sha256(key_length: i32, length: i32): i32 {
  if (key_length < 0 || key_length > MAX_KEY_BYTES) return STATUS_BAD_ARGUMENT;
  if (length < 0 || length > MAX_INPUT_BYTES) return STATUS_INPUT_OVERFLOW;
  hmacSha256(KEY, key_length, INPUT, length);
  return 0;
}

/** Counts the leading zero bits of the first `count` items of POW. */
export function sp_pow_check(count: i32): i32 {
  return checkBatch(count);
}

/** Writes the text of a token with the fields in TOKEN. */
export function sp_token_mint(): i32 {
  return mintToken();
}

/** Reads the text in TOKEN, checks it, and fills in its fields; times are in milliseconds. */
export function sp_token_open(now: f64, lifetime: f64): i32 {
  return openToken(now, lifetime);
}
