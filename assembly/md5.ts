/** MD5 (RFC 1321), which JA3 is defined with. */
import { DIGEST, HASH_BLOCK, HASH_STATE } from './memory';

const K: usize = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8,
  0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
  0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87,
  0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
  0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039,
  0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
  0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
  0xeb86d391,
]);
/** Writes the digest of `length` bytes at `at` to the first 16 bytes of DIGEST. */
export function md5(at: usize, length: i32): void {
  store<u32>(HASH_STATE, 0x67452301, 0);
  store<u32>(HASH_STATE, 0xefcdab89, 4);
  store<u32>(HASH_STATE, 0x98badcfe, 8);
  store<u32>(HASH_STATE, 0x10325476, 12);
  const whole = length & ~63;
  const end = at + whole;
  for (let p = at; p < end; p += 64) compress(p);
  const rest = length & 63;
  memory.copy(HASH_BLOCK, end, rest);
  store<u8>(HASH_BLOCK + rest, 0x80);
  const padded = rest < 56 ? 64 : 128;
  memory.fill(HASH_BLOCK + rest + 1, 0, padded - rest - 1);
  store<u64>(HASH_BLOCK + padded - 8, (<u64>length) << 3);
  compress(HASH_BLOCK);
  if (padded == 128) compress(HASH_BLOCK + 64);
  memory.copy(DIGEST, HASH_STATE, 16);
}

/** Step `i`'s constant and the message word at offset `word` (modulo 64) of the block. */
function addend(i: usize, at: usize, word: usize): u32 {
  return load<u32>(K + i) + load<u32>(at + (word & 63));
}

function compress(at: usize): void {
  let a = load<u32>(HASH_STATE, 0);
  let b = load<u32>(HASH_STATE, 4);
  let c = load<u32>(HASH_STATE, 8);
  let d = load<u32>(HASH_STATE, 12);
  // Four steps a turn, so that the variables change names instead of places; offsets are in bytes.
  for (let i: usize = 0; i < 64; i += 16) {
    a = b + rotl<u32>(a + (d ^ (b & (c ^ d))) + addend(i, at, i), 7);
    d = a + rotl<u32>(d + (c ^ (a & (b ^ c))) + addend(i + 4, at, i + 4), 12);
    c = d + rotl<u32>(c + (b ^ (d & (a ^ b))) + addend(i + 8, at, i + 8), 17);
    b = c + rotl<u32>(b + (a ^ (c & (d ^ a))) + addend(i + 12, at, i + 12), 22);
  }
  for (let i: usize = 64; i < 128; i += 16) {
    a = b + rotl<u32>(a + (c ^ (d & (b ^ c))) + addend(i, at, 5 * i + 4), 5);
    d = a + rotl<u32>(d + (b ^ (c & (a ^ b))) + addend(i + 4, at, 5 * i + 24), 9);
    c = d + rotl<u32>(c + (a ^ (b & (d ^ a))) + addend(i + 8, at, 5 * i + 44), 14);
    b = c + rotl<u32>(b + (d ^ (a & (c ^ d))) + addend(i + 12, at, 5 * i + 64), 20);
  }
  for (let i: usize = 128; i < 192; i += 16) {
    a = b + rotl<u32>(a + (b ^ c ^ d) + addend(i, at, 3 * i + 20), 4);
    d = a + rotl<u32>(d + (a ^ b ^ c) + addend(i + 4, at, 3 * i + 32), 11);
    c = d + rotl<u32>(c + (d ^ a ^ b) + addend(i + 8, at, 3 * i + 44), 16);
    b = c + rotl<u32>(b + (c ^ d ^ a) + addend(i + 12, at, 3 * i + 56), 23);
  }
  for (let i: usize = 192; i < 256; i += 16) {
    a = b + rotl<u32>(a + (c ^ (b | ~d)) + addend(i, at, 7 * i), 6);
    d = a + rotl<u32>(d + (b ^ (a | ~c)) + addend(i + 4, at, 7 * i + 28), 10);
    c = d + rotl<u32>(c + (a ^ (d | ~b)) + addend(i + 8, at, 7 * i + 56), 15);
    b = c + rotl<u32>(b + (d ^ (c | ~a)) + addend(i + 12, at, 7 * i + 84), 21);
  }
  store<u32>(HASH_STATE, load<u32>(HASH_STATE, 0) + a, 0);
  store<u32>(HASH_STATE, load<u32>(HASH_STATE, 4) + b, 4);
  store<u32>(HASH_STATE, load<u32>(HASH_STATE, 8) + c, 8);
  store<u32>(HASH_STATE, load<u32>(HASH_STATE, 12) + d, 12);
}
