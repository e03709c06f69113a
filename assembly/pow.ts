/** Proof of work: leading zero bits of a SHA-256, checked and sought. */
import { be32 } from './bytes';
import { DIGEST, HASH_STATE } from './memory';
import { sha256, sha256Blocks, sha256Finish, sha256Start } from './sha256';
import { writeDecimal } from './text';

/** Hash value after the whole blocks of the prefix. */
const PREFIX_STATE: usize = memory.data(32, 16);
/** The rest of the prefix, and a nonce of at most 10 digits after it. */
const TAIL: usize = memory.data(96, 16);

/** Leading zero bits (0 to 256) of the SHA-256 of `length` bytes. */
export function leadingZeroBits(at: usize, length: i32): i32 {
  sha256(at, length);
  return zeroBits();
}

function zeroBits(): i32 {
  let bits = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const word = be32(DIGEST + i);
    bits += <i32>clz<u32>(word);
    if (word != 0) return bits;
  }
  return bits;
}

/**
 * Tries `count` nonces from `first`: is the SHA-256 of the prefix and the nonce in decimal at least `bits`
 * zero bits long at its head? Returns how many nonces after `first` the answer lies, -1 when none fits.
 */
export function solve(prefix: usize, length: i32, first: u32, count: u32, bits: i32): i32 {
  const whole = length & ~63;
  sha256Start(PREFIX_STATE);
  sha256Blocks(PREFIX_STATE, prefix, whole);
  const rest = length & 63;
  memory.copy(TAIL, prefix + whole, rest);
  for (let i: u32 = 0; i < count; i++) {
    const end = writeDecimal(TAIL + rest, first + i);
    const tail = <i32>(end - TAIL);
    const tailBlocks = tail & ~63;
    memory.copy(HASH_STATE, PREFIX_STATE, 32);
    sha256Blocks(HASH_STATE, TAIL, tailBlocks);
    sha256Finish(HASH_STATE, TAIL + tailBlocks, tail - tailBlocks, whole + tail);
    if (zeroBits() >= bits) return i;
  }
  return -1;
}
