/** Leaves of the prefix tables: what holds for all addresses of an interval. Each combination is kept once. */
import * as L from './layout.gen.ts';
import type { Mark, Origin } from './prefixes.ts';
import { MAX_REFERENCE } from './trie.ts';

/** Gives things numbers, from 0 in order of first use. */
class Numbering<K> {
  readonly #numbers = new Map<K, number>();

  /** The key's number; `make` runs when it is new. */
  of(key: K, make: () => void): number {
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size;
    this.#numbers.set(key, number);
    make();
    return number;
  }
}

/** Bits of the lists in front of the scores, a byte for each map: one more than the score, 0 for none. */
const LISTS_BITS = 64n;
/** Marks of lists and maps as numbers. */
const MARKS = L.MAX_CIDR_TABLES + L.MAX_SCORE_MAPS * 256;

/** The leaf of addresses that nothing is known of. */
export const EMPTY_LEAF = 0;
const ORIGINS = 2 ** 26;

export class Leaves {
  /** By leaf: numbers of its lists, with their scores, and of its origin. */
  readonly #leaves: { readonly lists: number; readonly origin: number }[] = [];
  readonly #lists: bigint[] = [];
  readonly #origins: { readonly asn: number; readonly country: number }[] = [];
  readonly #listNumbers = new Numbering<bigint>();
  readonly #originNumbers = new Numbering<number>();
  readonly #leafNumbers = new Numbering<number>();
  readonly #withMark = new Map<number, number>();

  constructor() {
    this.#leaf(this.#listsOf(0n), this.#originOf(0, 0));
  }

  get count(): number {
    return this.#leaves.length;
  }

  get haveOrigins(): boolean {
    return this.#origins.length > 1;
  }

  /** The leaf for addresses of `leaf` that a longer prefix marks. */
  marked(leaf: number, mark: Mark): number {
    const { lists, origin } = this.#leaves[leaf]!;
    if ('list' in mark || 'map' in mark) {
      const number = 'list' in mark ? mark.list : L.MAX_CIDR_TABLES + mark.map * 256 + mark.score;
      const key = lists * MARKS + number;
      let more = this.#withMark.get(key);
      if (more === undefined) {
        more = this.#listsOf(withMark(this.#lists[lists]!, mark));
        this.#withMark.set(key, more);
      }
      return this.#leaf(more, origin);
    }
    const { asn, country } = this.#origins[origin]!;
    const code = mark.country === null ? country : countryCode(mark.country);
    return this.#leaf(lists, this.#originOf(mark.asn ?? asn, code));
  }

  #listsOf(lists: bigint): number {
    return this.#listNumbers.of(lists, () => this.#lists.push(lists));
  }

  #originOf(asn: number, country: number): number {
    return this.#originNumbers.of(country * 2 ** 32 + asn, () => this.#origins.push({ asn, country }));
  }

  #leaf(lists: number, origin: number): number {
    return this.#leafNumbers.of(lists * ORIGINS + origin, () => this.#leaves.push({ lists, origin }));
  }

  /** @throws RangeError when there are more leaves than a value can name. */
  encode(): Uint8Array {
    if (this.count > MAX_REFERENCE || this.#origins.length >= ORIGINS) {
      throw new RangeError('the lists and origins have too many combinations');
    }
    const bytes = new Uint8Array(this.count * L.LEAF_BYTES);
    const view = new DataView(bytes.buffer);
    this.#leaves.forEach(({ lists, origin }, index) => {
      const at = index * L.LEAF_BYTES;
      view.setBigUint64(at + L.LEAF_LISTS_AT, BigInt.asUintN(64, this.#lists[lists]!), true);
      view.setBigUint64(at + L.LEAF_SCORES_AT, this.#lists[lists]! >> LISTS_BITS, true);
      view.setUint32(at + L.LEAF_ASN_AT, this.#origins[origin]!.asn, true);
      view.setUint32(at + L.LEAF_COUNTRY_AT, this.#origins[origin]!.country, true);
    });
    return bytes;
  }
}

/** A list joins those of the shorter prefixes around it; a score takes the place of theirs. */
function withMark(lists: bigint, mark: Exclude<Mark, Origin>): bigint {
  if ('list' in mark) return lists | (1n << BigInt(mark.list));
  const at = LISTS_BITS + BigInt(mark.map * 8);
  return (lists & ~(0xffn << at)) | (BigInt(mark.score + 1) << at);
}

/** Two letters as they stand in memory. */
function countryCode(country: string): number {
  return country.charCodeAt(0) | (country.charCodeAt(1) << 8);
}
