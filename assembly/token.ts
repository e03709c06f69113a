/**
 * The token of one posed challenge: version (1 byte), difficulty (1), time of issue in milliseconds (6), salt
 * (16) and the HMAC-SHA-256 over these and a context of the host's (32), as base64url.
 */
import {
  MAX_TOKEN_DIFFICULTY,
  MAX_TOKEN_SKEW_MS,
  STATUS_BAD_ARGUMENT,
  STATUS_TOKEN_EXPIRED,
  STATUS_TOKEN_FORGED,
  STATUS_TOKEN_MALFORMED,
  STATUS_TOKEN_NOT_YET,
  TOKEN_BYTES,
  TOKEN_CONTEXT_AT,
  TOKEN_DIFFICULTY_AT,
  TOKEN_ISSUED_AT_AT,
  TOKEN_KEY_AT,
  TOKEN_SALT_AT,
  TOKEN_SIZE_AT,
  TOKEN_TEXT_AT,
} from './abi/layout.gen';
import { decodeBase64url, encodeBase64url } from './base64url';
import { hmacSha256 } from './hmac';
import { DIGEST, TOKEN } from './memory';

const VERSION: i32 = 1;
const BODY_BYTES: i32 = 24;
const TAG_BYTES: i32 = 32;
const KEY_BYTES: i32 = 32;
const CONTEXT_BYTES: i32 = 64;
const SALT_BYTES: i32 = 16;
const TEXT_CHARACTERS: i32 = 75;
const LATEST: f64 = 281_474_976_710_655;

/** The token's bytes; while it is signed, the context stands where the tag comes. */
const TOKEN_WIRE: usize = memory.data(88, 16);
const RECEIVED_TAG: usize = memory.data(32, 16);

/** Writes the text of a token with the fields in TOKEN: 0, or STATUS_BAD_ARGUMENT. */
export function mintToken(): i32 {
  const difficulty = load<u32>(TOKEN, TOKEN_DIFFICULTY_AT);
  const issuedAt = load<f64>(TOKEN, TOKEN_ISSUED_AT_AT);
  // why: written so that a NaN is out of range too.
  if (difficulty > <u32>MAX_TOKEN_DIFFICULTY || !(issuedAt >= 0 && issuedAt <= LATEST)) {
    return STATUS_BAD_ARGUMENT;
  }
  store<u32>(TOKEN, TOKEN_BYTES, TOKEN_SIZE_AT);
  store<u64>(TOKEN_WIRE, bswap<u64>(<u64>issuedAt));
  store<u8>(TOKEN_WIRE, VERSION, 0);
  store<u8>(TOKEN_WIRE, difficulty, 1);
  memory.copy(TOKEN_WIRE + 8, TOKEN + TOKEN_SALT_AT, SALT_BYTES);
  sign();
  memory.copy(TOKEN_WIRE + BODY_BYTES, DIGEST, TAG_BYTES);
  encodeBase64url(TOKEN + TOKEN_TEXT_AT, TOKEN_WIRE, BODY_BYTES + TAG_BYTES);
  return 0;
}

/** Reads the text in TOKEN and fills in its fields: 0 for a token of this key and context whose time is now. */
export function openToken(now: f64, lifetime: f64): i32 {
  if (!decodeBase64url(TOKEN_WIRE, TOKEN + TOKEN_TEXT_AT, TEXT_CHARACTERS)) return STATUS_TOKEN_MALFORMED;
  if (load<u8>(TOKEN_WIRE) != VERSION) return STATUS_TOKEN_MALFORMED;
  memory.copy(RECEIVED_TAG, TOKEN_WIRE + BODY_BYTES, TAG_BYTES);
  sign();
  if (!isEqual(DIGEST, RECEIVED_TAG)) return STATUS_TOKEN_FORGED;
  const issuedAt = <f64>(bswap<u64>(load<u64>(TOKEN_WIRE)) & 0xffff_ffff_ffff);
  store<u32>(TOKEN, TOKEN_BYTES, TOKEN_SIZE_AT);
  store<u32>(TOKEN, load<u8>(TOKEN_WIRE, 1), TOKEN_DIFFICULTY_AT);
  store<f64>(TOKEN, issuedAt, TOKEN_ISSUED_AT_AT);
  memory.copy(TOKEN + TOKEN_SALT_AT, TOKEN_WIRE + 8, SALT_BYTES);
  if (!(issuedAt <= now + MAX_TOKEN_SKEW_MS)) return STATUS_TOKEN_NOT_YET;
  return now < issuedAt + lifetime ? 0 : STATUS_TOKEN_EXPIRED;
}

/** Puts the tag of the body in TOKEN_WIRE and the context into DIGEST. */
function sign(): void {
  memory.copy(TOKEN_WIRE + BODY_BYTES, TOKEN + TOKEN_CONTEXT_AT, CONTEXT_BYTES);
  hmacSha256(TOKEN + TOKEN_KEY_AT, KEY_BYTES, TOKEN_WIRE, BODY_BYTES + CONTEXT_BYTES);
}

/** Compares two tags in a time that does not depend on where they differ. */
function isEqual(a: usize, b: usize): bool {
  let difference: u64 = 0;
  for (let i: usize = 0; i < 32; i += 8) difference |= load<u64>(a + i) ^ load<u64>(b + i);
  return difference == 0;
}
