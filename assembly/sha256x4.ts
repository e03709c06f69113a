/**
 * SHA-256 of four messages side by side, one in each 32-bit lane of a vector. Only the SIMD twin has this
 * file: its callers stand behind ASC_FEATURE_SIMD.
 */
import { K } from './sha256';

/** Eight vectors of the hash value, 64 of the message schedule. */
export const LANES_STATE: usize = memory.data(128, 16);
const WORDS: usize = memory.data(1_024, 16);

/** Puts the 32-byte hash value at `state` into every lane. */
export function lanesStart(state: usize): void {
  for (let i: usize = 0; i < 8; i++) {
    v128.store(LANES_STATE + (i << 4), v128.splat<u32>(load<u32>(state + (i << 2))));
  }
}

/** Word `i` of the hash value of a lane. */
export function laneWord(lane: i32, i: usize): u32 {
  return load<u32>(LANES_STATE + (i << 4) + (lane << 2));
}

/**
 * Compresses one block of each message: the first at `at`, each further one `stride` bytes on. Lanes whose
 * bits in `mask` are zero keep their hash value.
 */
export function lanesBlock(at: usize, stride: usize, mask: v128): void {
  schedule(at, stride);
  let a = v128.load(LANES_STATE, 0);
  let b = v128.load(LANES_STATE, 16);
  let c = v128.load(LANES_STATE, 32);
  let d = v128.load(LANES_STATE, 48);
  let e = v128.load(LANES_STATE, 64);
  let f = v128.load(LANES_STATE, 80);
  let g = v128.load(LANES_STATE, 96);
  let h = v128.load(LANES_STATE, 112);
  for (let i: usize = 0; i < 64; i += 8) {
    h = add(h, add(add(sum1(e), choose(e, f, g)), word(i)));
    d = add(d, h);
    h = add(h, add(sum0(a), majority(a, b, c)));
    g = add(g, add(add(sum1(d), choose(d, e, f)), word(i + 1)));
    c = add(c, g);
    g = add(g, add(sum0(h), majority(h, a, b)));
    f = add(f, add(add(sum1(c), choose(c, d, e)), word(i + 2)));
    b = add(b, f);
    f = add(f, add(sum0(g), majority(g, h, a)));
    e = add(e, add(add(sum1(b), choose(b, c, d)), word(i + 3)));
    a = add(a, e);
    e = add(e, add(sum0(f), majority(f, g, h)));
    d = add(d, add(add(sum1(a), choose(a, b, c)), word(i + 4)));
    h = add(h, d);
    d = add(d, add(sum0(e), majority(e, f, g)));
    c = add(c, add(add(sum1(h), choose(h, a, b)), word(i + 5)));
    g = add(g, c);
    c = add(c, add(sum0(d), majority(d, e, f)));
    b = add(b, add(add(sum1(g), choose(g, h, a)), word(i + 6)));
    f = add(f, b);
    b = add(b, add(sum0(c), majority(c, d, e)));
    a = add(a, add(add(sum1(f), choose(f, g, h)), word(i + 7)));
    e = add(e, a);
    a = add(a, add(sum0(b), majority(b, c, d)));
  }
  accumulate(0, a, mask);
  accumulate(16, b, mask);
  accumulate(32, c, mask);
  accumulate(48, d, mask);
  accumulate(64, e, mask);
  accumulate(80, f, mask);
  accumulate(96, g, mask);
  accumulate(112, h, mask);
}

function add(x: v128, y: v128): v128 {
  return v128.add<u32>(x, y);
}

function rotate(x: v128, bits: i32): v128 {
  return v128.or(v128.shr<u32>(x, bits), v128.shl<u32>(x, 32 - bits));
}

function sum0(x: v128): v128 {
  return v128.xor(v128.xor(rotate(x, 2), rotate(x, 13)), rotate(x, 22));
}

function sum1(x: v128): v128 {
  return v128.xor(v128.xor(rotate(x, 6), rotate(x, 11)), rotate(x, 25));
}

function choose(x: v128, y: v128, z: v128): v128 {
  return v128.bitselect(y, z, x);
}

function majority(x: v128, y: v128, z: v128): v128 {
  return v128.or(v128.and(x, y), v128.and(z, v128.or(x, y)));
}

/** Word `i` of the schedule, with its constant. */
function word(i: usize): v128 {
  return add(v128.load(WORDS + (i << 4)), v128.splat<u32>(load<u32>(K + (i << 2))));
}

function accumulate(offset: usize, value: v128, mask: v128): void {
  const at = LANES_STATE + offset;
  v128.store(at, add(v128.load(at), v128.and(value, mask)));
}

function schedule(at: usize, stride: usize): void {
  for (let i: usize = 0; i < 64; i += 16) transpose(WORDS + (i << 2), at + i, stride);
  for (let p = WORDS; p < WORDS + 768; p += 16) {
    const w15 = v128.load(p, 16);
    const w2 = v128.load(p, 224);
    const s0 = v128.xor(v128.xor(rotate(w15, 7), rotate(w15, 18)), v128.shr<u32>(w15, 3));
    const s1 = v128.xor(v128.xor(rotate(w2, 17), rotate(w2, 19)), v128.shr<u32>(w2, 10));
    v128.store(p, add(add(v128.load(p), s0), add(v128.load(p, 144), s1)), 256);
  }
}

/** Four big-endian words of each message to four vectors, each with one word of every message. */
function transpose(out: usize, at: usize, stride: usize): void {
  const m0 = swapped(at);
  const m1 = swapped(at + stride);
  const m2 = swapped(at + 2 * stride);
  const m3 = swapped(at + 3 * stride);
  const low01 = v128.shuffle<u32>(m0, m1, 0, 4, 1, 5);
  const low23 = v128.shuffle<u32>(m2, m3, 0, 4, 1, 5);
  const high01 = v128.shuffle<u32>(m0, m1, 2, 6, 3, 7);
  const high23 = v128.shuffle<u32>(m2, m3, 2, 6, 3, 7);
  v128.store(out, v128.shuffle<u64>(low01, low23, 0, 2), 0);
  v128.store(out, v128.shuffle<u64>(low01, low23, 1, 3), 16);
  v128.store(out, v128.shuffle<u64>(high01, high23, 0, 2), 32);
  v128.store(out, v128.shuffle<u64>(high01, high23, 1, 3), 48);
}

function swapped(at: usize): v128 {
  const x = v128.load(at);
  return v128.shuffle<u8>(x, x, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
}
