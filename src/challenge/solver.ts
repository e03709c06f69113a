/**
 * The search for a nonce. It runs in Node and, as its own source text, in the workers of the challenge
 * page: it must not refer to anything outside of itself.
 */

/**
 * Looks for a decimal `nonce` such that SHA-256(`token:nonce`) begins with `difficulty` zero bits,
 * trying `count` numbers from `start`, `stride` apart.
 * @param difficulty 0 to 64.
 * @returns The nonce as text, or null when none of those numbers is one.
 */
export function solve(
  token: string,
  difficulty: number,
  start: number,
  stride: number,
  count: number,
): string | null {
  const K = new Int32Array(64);
  const initial = new Int32Array(8);
  let primes = 0;
  for (let n = 2; primes < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (!prime) continue;
    // The first 32 bits behind the point of the prime's cube root, and of its square root.
    K[primes] = Math.floor((Math.cbrt(n) % 1) * 0x1_0000_0000) | 0;
    if (primes < 8) initial[primes] = Math.floor((Math.sqrt(n) % 1) * 0x1_0000_0000) | 0;
    primes++;
  }
  const w = new Int32Array(64);

  function compress(from: Int32Array, to: Int32Array): void {
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15]!;
      const y = w[i - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0;
    }
    let a = from[0]!;
    let b = from[1]!;
    let c = from[2]!;
    let d = from[3]!;
    let e = from[4]!;
    let f = from[5]!;
    let g = from[6]!;
    let h = from[7]!;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i]! + w[i]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    to[0] = (from[0]! + a) | 0;
    to[1] = (from[1]! + b) | 0;
    to[2] = (from[2]! + c) | 0;
    to[3] = (from[3]! + d) | 0;
    to[4] = (from[4]! + e) | 0;
    to[5] = (from[5]! + f) | 0;
    to[6] = (from[6]! + g) | 0;
    to[7] = (from[7]! + h) | 0;
  }

  const prefix = `${token}:`;
  const whole = prefix.length >> 6;
  const middle = initial.slice();
  const state = new Int32Array(8);
  const block = (text: string, at: number): void => {
    w.fill(0);
    for (let i = at; i < Math.min(text.length, at + 64); i++) {
      const word = (i - at) >> 2;
      w[word] = w[word]! | (text.charCodeAt(i) << (24 - ((i & 3) << 3)));
    }
  };
  // The token's whole blocks are the same for every nonce.
  for (let i = 0; i < whole; i++) {
    block(prefix, i << 6);
    compress(middle, middle);
  }
  const rest = prefix.slice(whole << 6);

  for (let i = 0, number = start; i < count; i++, number += stride) {
    const nonce = String(number);
    const text = rest + nonce;
    block(text, 0);
    const word = text.length >> 2;
    if (text.length < 64) w[word] = w[word]! | (0x80 << (24 - ((text.length & 3) << 3)));
    if (text.length < 56) {
      w[15] = (prefix.length + nonce.length) * 8;
      compress(middle, state);
    } else {
      compress(middle, state);
      block(text, 64);
      if (text.length >= 64) w[word - 16] = w[word - 16]! | (0x80 << (24 - ((text.length & 3) << 3)));
      w[15] = (prefix.length + nonce.length) * 8;
      compress(state, state);
    }
    const first = Math.clz32(state[0]!);
    if ((first < 32 ? first : 32 + Math.clz32(state[1]!)) >= difficulty) return nonce;
  }
  return null;
}
