/** Which of a few addresses a long list covers. */
import type { PrefixReader } from '../pdl/ip.ts';

const ADDRESS_BYTES = 16;
/** Words of 32 bits in an address. */
const WORDS = 4;

/** Addresses in ascending order, to find those inside a prefix by halving. */
export class Addresses {
  readonly count: number;
  /** Four words each, the most significant first. */
  readonly #sorted: Uint32Array;
  readonly #covered: Uint8Array;

  /** @param addresses 16 bytes each, IPv4 as ::ffff:a.b.c.d. */
  constructor(addresses: Uint8Array) {
    const bytes = Buffer.from(addresses.buffer, addresses.byteOffset, addresses.byteLength);
    this.count = bytes.length / ADDRESS_BYTES;
    const sorted = Array.from({ length: this.count }, (_, i) =>
      bytes.subarray(i * ADDRESS_BYTES, (i + 1) * ADDRESS_BYTES),
    ).sort(Buffer.compare);
    this.#sorted = Uint32Array.from({ length: this.count * WORDS }, (_, i) =>
      sorted[(i / WORDS) | 0]!.readUInt32BE((i % WORDS) * 4),
    );
    this.#covered = new Uint8Array(this.count);
  }

  /** Marks those inside a prefix. */
  cover(prefix: Pick<PrefixReader, 'words' | 'bits'>): void {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(middle, prefix) < 0) low = middle + 1;
      else high = middle;
    }
    for (; low < this.count && this.#compare(low, prefix) === 0; low++) this.#covered[low] = 1;
  }

  /** Below 0: the address is before all of the prefix; 0: inside it; above: behind it. */
  #compare(index: number, { words, bits }: Pick<PrefixReader, 'words' | 'bits'>): number {
    for (let word = 0; word * 32 < bits; word++) {
      const kept = bits - word * 32;
      const mask = kept >= 32 ? -1 : -1 << (32 - kept);
      const own = (this.#sorted[index * WORDS + word]! & mask) >>> 0;
      const difference = own - ((words[word]! & mask) >>> 0);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  /** How many are marked. */
  get covered(): number {
    return this.#covered.reduce((sum, each) => sum + each, 0);
  }

  /** How many are marked here and not in `other`, which was made of the same addresses. */
  coveredBeyond(other: Addresses): number {
    return this.#covered.reduce((sum, each, at) => sum + (each === 1 && other.#covered[at] === 0 ? 1 : 0), 0);
  }
}
