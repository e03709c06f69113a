/** Which of a few addresses a long list covers. */
import { inPrefix, parsePrefix } from '../pdl/ip.ts';

const ADDRESS_BYTES = 16;

/** Addresses in ascending order, to find those inside a prefix by halving. */
export class Addresses {
  readonly count: number;
  readonly #sorted: Buffer[];
  readonly #covered: Uint8Array;

  /** @param addresses 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
  constructor(addresses: Uint8Array) {
    const bytes = Buffer.from(addresses.buffer, addresses.byteOffset, addresses.byteLength);
    this.count = bytes.length / ADDRESS_BYTES;
    this.#sorted = Array.from({ length: this.count }, (_, i) =>
      bytes.subarray(i * ADDRESS_BYTES, (i + 1) * ADDRESS_BYTES),
    ).sort(Buffer.compare);
    this.#covered = new Uint8Array(this.count);
  }

  /** Marks those inside a prefix; a text that is none covers nothing. */
  cover(member: string): void {
    const prefix = parsePrefix(member);
    if (prefix === null) return;
    for (let at = this.#firstFrom(prefix.bytes, prefix.bits); at < this.count; at++) {
      if (!inPrefix(this.#sorted[at]!, prefix)) return;
      this.#covered[at] = 1;
    }
  }

  /** How many are marked. */
  get covered(): number {
    return this.#covered.reduce((sum, each) => sum + each, 0);
  }

  /** How many are marked here and not in `other`, which was made of the same addresses. */
  coveredBeyond(other: Addresses): number {
    return this.#covered.reduce((sum, each, at) => sum + (each === 1 && other.#covered[at] === 0 ? 1 : 0), 0);
  }

  /** Index of the first address that is not below the first one of a prefix, whose host bits may be anything. */
  #firstFrom(bytes: Uint8Array, bits: number): number {
    const start = masked(bytes, bits);
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (Buffer.compare(this.#sorted[middle]!, start) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function masked(bytes: Uint8Array, bits: number): Uint8Array {
  const start = bytes.slice();
  for (let i = bits >> 3; i < ADDRESS_BYTES; i++) {
    const kept = Math.max(0, bits - i * 8);
    start[i]! &= kept >= 8 ? 0xff : (0xff << (8 - kept)) & 0xff;
  }
  return start;
}
