/** The module's exports: docs/abi.md describes each for a host. */
import {
  ABI_VERSION,
  BUILD_SIMD,
  DECISION_BYTES,
  FORM_HANDSHAKE,
  HELLO_BYTES,
  MAX_BATCH_BYTES,
  MAX_CANARIES,
  MAX_COUNTERS,
  MAX_FACTS,
  MAX_HELLO_BYTES,
  MAX_IMAGE_BYTES,
  MAX_INPUT_BYTES,
  MAX_TEXT_BYTES,
  PROTO_QUIC,
  RATE_BYTES,
  REGION_BATCH,
  REGION_DECISION,
  REGION_DRAWS,
  REGION_HELLO,
  REGION_IMAGE,
  REGION_INPUT,
  REGION_MESSAGE,
  REGION_RATES,
  REGION_SLOTS,
  REGION_SYN,
  REGION_TEXT,
  REGION_VALUES,
  SLOT_BYTES,
  STATUS_BAD_ARGUMENT,
  STATUS_INPUT_OVERFLOW,
  SYN_BYTES,
} from './abi/layout.gen';
import { scoreBatch } from './batch';
import { decide } from './decide';
import { writeText } from './fingerprint';
import { parseHello } from './hello';
import { loadImage } from './image';
import { forgetOrigin } from './leaf';
import {
  BATCH,
  DECISION,
  DRAWS,
  HELLO,
  INPUT,
  MESSAGE,
  RATES,
  SLOTS,
  SYN,
  TEXT,
  VALUES,
  VALUES_BYTES,
} from './memory';
import { leadingZeroBits, solve } from './pow';
import { selftest } from './selftest';
import { clearSlots } from './slots';
import { idleImage, setHelloLimit } from './state';
import { parseSyn, setSynFacts } from './syn';
import { reserveTables, verifyTables } from './tables';

/** Major version in the upper 16 bits, minor in the lower. */
export const sp_abi_version: i32 = ABI_VERSION;

/** BUILD_SIMD for the twin that uses 128-bit vectors, 0 for the scalar build. */
export const sp_build_flags: i32 = ASC_FEATURE_SIMD ? BUILD_SIMD : 0;

/** Address of a region, 0 for an unknown one. That of the image moves with every image loaded. */
export function sp_region(id: i32): usize {
  if (id == REGION_INPUT) return INPUT;
  if (id == REGION_HELLO) return HELLO;
  if (id == REGION_MESSAGE) return MESSAGE;
  if (id == REGION_VALUES) return VALUES;
  if (id == REGION_TEXT) return TEXT;
  if (id == REGION_SLOTS) return SLOTS;
  if (id == REGION_RATES) return RATES;
  if (id == REGION_DECISION) return DECISION;
  if (id == REGION_IMAGE) return idleImage();
  if (id == REGION_DRAWS) return DRAWS;
  if (id == REGION_BATCH) return BATCH;
  return id == REGION_SYN ? SYN : 0;
}

/** Size of a region in bytes, 0 for an unknown one. */
export function sp_region_size(id: i32): i32 {
  if (id == REGION_INPUT) return MAX_INPUT_BYTES;
  if (id == REGION_HELLO) return HELLO_BYTES;
  if (id == REGION_MESSAGE) return MAX_HELLO_BYTES;
  if (id == REGION_VALUES) return VALUES_BYTES;
  if (id == REGION_TEXT) return MAX_TEXT_BYTES;
  if (id == REGION_SLOTS) return MAX_FACTS * SLOT_BYTES;
  if (id == REGION_RATES) return MAX_COUNTERS * RATE_BYTES;
  if (id == REGION_DECISION) return DECISION_BYTES;
  if (id == REGION_IMAGE) return MAX_IMAGE_BYTES;
  if (id == REGION_DRAWS) return MAX_CANARIES * RATE_BYTES;
  if (id == REGION_BATCH) return MAX_BATCH_BYTES;
  return id == REGION_SYN ? SYN_BYTES : 0;
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
