/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit hash whose collisions nobody can
 * choose without the key. Messages are of 32-bit words, as its halves are, so that nothing is allocated.
 */
export class SipHash {
  /** High and low half of the last hash, as unsigned 32-bit numbers. */
  hi = 0;
  lo = 0;
  readonly #k0l: number;
  readonly #k0h: number;
  readonly #k1l: number;
  readonly #k1h: number;
  #v0l = 0;
  #v0h = 0;
  #v1l = 0;
  #v1h = 0;
  #v2l = 0;
  #v2h = 0;
  #v3l = 0;
  #v3h = 0;
  #blockLow = 0;
  #blockHigh = 0;
  #length = 0;

  /** @param key 16 secret bytes. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, this one ${key.length}`);
    const words = new DataView(key.buffer, key.byteOffset, 16);
    this.#k0l = words.getInt32(0, true);
    this.#k0h = words.getInt32(4, true);
    this.#k1l = words.getInt32(8, true);
    this.#k1h = words.getInt32(12, true);
    this.reset();
  }

  reset(): void {
    this.#v0l = this.#k0l ^ 0x70736575;
    this.#v0h = this.#k0h ^ 0x736f6d65;
    this.#v1l = this.#k1l ^ 0x6e646f6d;
    this.#v1h = this.#k1h ^ 0x646f7261;
    this.#v2l = this.#k0l ^ 0x6e657261;
    this.#v2h = this.#k0h ^ 0x6c796765;
    this.#v3l = this.#k1l ^ 0x79746573;
    this.#v3h = this.#k1h ^ 0x74656462;
    this.#blockLow = 0;
    this.#blockHigh = 0;
    this.#length = 0;
  }

  /** Takes four bytes, the lowest first. */
  word(value: number): void {
    const at = this.#length & 7;
    this.#length += 4;
    if (at === 0) this.#blockLow = value | 0;
    else {
      this.#blockHigh = value | 0;
      this.#compress();
    }
  }

  /** Ends the message; the hash is then in `hi` and `lo`. */
  finish(): void {
    this.#blockHigh |= (this.#length & 255) << 24;
    this.#compress();
    this.#v2l ^= 0xff;
    this.#rounds(4);
    this.hi = (this.#v0h ^ this.#v1h ^ this.#v2h ^ this.#v3h) >>> 0;
    this.lo = (this.#v0l ^ this.#v1l ^ this.#v2l ^ this.#v3l) >>> 0;
  }

  #compress(): void {
    this.#v3l ^= this.#blockLow;
    this.#v3h ^= this.#blockHigh;
    this.#rounds(2);
    this.#v0l ^= this.#blockLow;
    this.#v0h ^= this.#blockHigh;
    this.#blockLow = 0;
    this.#blockHigh = 0;
  }

  #rounds(count: number): void {
    let v0l = this.#v0l;
    let v0h = this.#v0h;
    let v1l = this.#v1l;
    let v1h = this.#v1h;
    let v2l = this.#v2l;
    let v2h = this.#v2h;
    let v3l = this.#v3l;
    let v3h = this.#v3h;
    for (let round = 0; round < count; round++) {
      let sum = (v0l + v1l) | 0;
      v0h = (v0h + v1h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
      v0l = sum;
      let low = (v1l << 13) | (v1h >>> 19);
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = low ^ v0l;
      low = v0h;
      v0h = v0l;
      v0l = low;
      sum = (v2l + v3l) | 0;
      v2h = (v2h + v3h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
      v2l = sum;
      low = (v3l << 16) | (v3h >>> 16);
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = low ^ v2l;
      sum = (v0l + v3l) | 0;
      v0h = (v0h + v3h + (sum >>> 0 < v0l >>> 0 ? 1 : 0)) | 0;
      v0l = sum;
      low = (v3l << 21) | (v3h >>> 11);
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = low ^ v0l;
      sum = (v2l + v1l) | 0;
      v2h = (v2h + v1h + (sum >>> 0 < v2l >>> 0 ? 1 : 0)) | 0;
      v2l = sum;
      low = (v1l << 17) | (v1h >>> 15);
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = low ^ v2l;
      low = v2h;
      v2h = v2l;
      v2l = low;
    }
    this.#v0l = v0l;
    this.#v0h = v0h;
    this.#v1l = v1l;
    this.#v1h = v1h;
    this.#v2l = v2l;
    this.#v2h = v2h;
    this.#v3l = v3l;
    this.#v3h = v3h;
  }
}
