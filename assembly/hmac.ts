/** HMAC-SHA-256 (RFC 2104). */
import { DIGEST, HASH_STATE } from './memory';
import { BLOCK_BYTES, DIGEST_BYTES, sha256, sha256Blocks, sha256Finish, sha256Start } from './sha256';

const INNER_PAD: i32 = 0x36;
const OUTER_PAD: i32 = 0x5c;
const PADDED_KEY: usize = memory.data(64, 16);
const INNER_DIGEST: usize = memory.data(32, 16);

/** Writes the MAC of `length` bytes at `at` to DIGEST. A key of more than 64 bytes stands for its digest. */
export function hmacSha256(key: usize, keyLength: i32, at: usize, length: i32): void {
  memory.fill(PADDED_KEY, 0, BLOCK_BYTES);
  if (keyLength > BLOCK_BYTES) {
    sha256(key, keyLength);
    memory.copy(PADDED_KEY, DIGEST, DIGEST_BYTES);
  } else {
    memory.copy(PADDED_KEY, key, keyLength);
  }
  mask(INNER_PAD);
  hashAfterKey(at, length);
  memory.copy(INNER_DIGEST, DIGEST, DIGEST_BYTES);
  mask(INNER_PAD ^ OUTER_PAD);
  hashAfterKey(INNER_DIGEST, DIGEST_BYTES);
}

function mask(pad: i32): void {
  for (let i = 0; i < BLOCK_BYTES; i++) store<u8>(PADDED_KEY + i, <i32>load<u8>(PADDED_KEY + i) ^ pad);
}

function hashAfterKey(at: usize, length: i32): void {
  const whole = length & ~63;
  sha256Start(HASH_STATE);
  sha256Blocks(HASH_STATE, PADDED_KEY, BLOCK_BYTES);
  sha256Blocks(HASH_STATE, at, whole);
  sha256Finish(HASH_STATE, at + whole, length & 63, BLOCK_BYTES + length);
}
