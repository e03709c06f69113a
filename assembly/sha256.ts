/** SHA-256 (FIPS 180-4), whole messages or in steps of 64 bytes. */
import { be32 } from './bytes';
import { DIGEST, HASH_BLOCK, HASH_STATE, HASH_WORDS } from './memory';

export const BLOCK_BYTES: i32 = 64;
export const DIGEST_BYTES: i32 = 32;
export const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);
const INITIAL: usize = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]);

/** Writes the digest of `length` bytes at `at` to DIGEST. */
export function sha256(at: usize, length: i32): void {
  sha256Start(HASH_STATE);
  const whole = length & ~63;
  sha256Blocks(HASH_STATE, at, whole);
  sha256Finish(HASH_STATE, at + whole, length & 63, length);
}

/** Puts the initial hash value into the 32 bytes at `state`. */
export function sha256Start(state: usize): void {
  memory.copy(state, INITIAL, 32);
}

/** Compresses `length` bytes, a multiple of 64. */
export function sha256Blocks(state: usize, at: usize, length: i32): void {
  const end = at + length;
  for (let p = at; p < end; p += 64) compress(state, p);
}

/** Pads the last `rest` (< 64) bytes of a message of `length` bytes and writes DIGEST. */
export function sha256Finish(state: usize, at: usize, rest: i32, length: i32): void {
  memory.copy(HASH_BLOCK, at, rest);
  sha256Blocks(state, HASH_BLOCK, sha256Pad(HASH_BLOCK, rest, length));
  for (let i: usize = 0; i < 32; i += 4) store<u32>(DIGEST + i, bswap<u32>(load<u32>(state + i)));
}

/** Pads `rest` bytes at `at`, the end of a message of `length` bytes: their number is then a multiple of 64. */
export function sha256Pad(at: usize, rest: i32, length: i32): i32 {
  const padded = (rest + 72) & ~63;
  memory.fill(at + rest, 0, padded - rest);
  store<u8>(at + rest, 0x80);
  store<u64>(at + padded - 8, bswap<u64>((<u64>length) << 3));
  return padded;
}

function sum0(x: u32): u32 {
  return rotr<u32>(x, 2) ^ rotr<u32>(x, 13) ^ rotr<u32>(x, 22);
}

function sum1(x: u32): u32 {
  return rotr<u32>(x, 6) ^ rotr<u32>(x, 11) ^ rotr<u32>(x, 25);
}

function choose(x: u32, y: u32, z: u32): u32 {
  return z ^ (x & (y ^ z));
}

/** The word at offset `i` of the schedule, with its constant. */
function word(i: usize): u32 {
  return load<u32>(HASH_WORDS + i) + load<u32>(K + i);
}

/** Lays out the 64 words of the message schedule of the block at `at`. */
function schedule(at: usize): void {
  for (let i: usize = 0; i < 64; i += 4) store<u32>(HASH_WORDS + i, be32(at + i));
  for (let p = HASH_WORDS; p < HASH_WORDS + 192; p += 4) {
    const w15 = load<u32>(p, 4);
    const w2 = load<u32>(p, 56);
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
    store<u32>(p, load<u32>(p) + s0 + load<u32>(p, 36) + s1, 64);
  }
}

function compress(state: usize, at: usize): void {
  schedule(at);
  let a = load<u32>(state, 0);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  // Eight rounds a turn, so that the variables change names instead of places. The majority of a, b and c is
  // b ^ ((a ^ b) & (b ^ c)), of which one difference is that of the round before.
  let ab: u32 = 0;
  let bc = b ^ c;
  for (let i: usize = 0; i < 256; i += 32) {
    h += sum1(e) + choose(e, f, g) + word(i);
    d += h;
    ab = a ^ b;
    h += sum0(a) + (b ^ (ab & bc));
    g += sum1(d) + choose(d, e, f) + word(i + 4);
    c += g;
    bc = h ^ a;
    g += sum0(h) + (a ^ (bc & ab));
    f += sum1(c) + choose(c, d, e) + word(i + 8);
    b += f;
    ab = g ^ h;
    f += sum0(g) + (h ^ (ab & bc));
    e += sum1(b) + choose(b, c, d) + word(i + 12);
    a += e;
    bc = f ^ g;
    e += sum0(f) + (g ^ (bc & ab));
    d += sum1(a) + choose(a, b, c) + word(i + 16);
    h += d;
    ab = e ^ f;
    d += sum0(e) + (f ^ (ab & bc));
    c += sum1(h) + choose(h, a, b) + word(i + 20);
    g += c;
    bc = d ^ e;
    c += sum0(d) + (e ^ (bc & ab));
    b += sum1(g) + choose(g, h, a) + word(i + 24);
    f += b;
    ab = c ^ d;
    b += sum0(c) + (d ^ (ab & bc));
    a += sum1(f) + choose(f, g, h) + word(i + 28);
    e += a;
    bc = b ^ c;
    a += sum0(b) + (c ^ (bc & ab));
  }
  store<u32>(state, load<u32>(state, 0) + a, 0);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}
