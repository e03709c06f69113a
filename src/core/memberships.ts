/** The tables and maps that members of sets are in: each combination is kept once. */
import * as L from './layout.gen.ts';

/** A host reads the bits of a word from the lowest on. */
const WORD_BITS = 32;
const SCORES_AT = BigInt(L.MEMBERSHIP_SCORES_AT * 8);

const PLACES = L.MAX_TABLES + L.MAX_SCORE_MAPS * 256;

/** Where a member is: in a table, or in a map with a score. */
export type Place = { readonly table: number } | { readonly map: number; readonly score: number };

export class Memberships {
  /** The membership of what is in no table. */
  readonly none: number;
  readonly #combinations: bigint[] = [];
  readonly #indexes = new Map<bigint, number>();
  /** By membership and place: what they make. */
  readonly #withPlace = new Map<number, number>();

  constructor() {
    this.none = this.#of(0n);
  }

  get count(): number {
    return this.#combinations.length;
  }

  /** The membership of what is in another place too. Of several scores in a map the last counts. */
  with(membership: number, place: Place): number {
    const number = 'table' in place ? place.table : L.MAX_TABLES + place.map * 256 + place.score;
    const key = membership * PLACES + number;
    let more = this.#withPlace.get(key);
    if (more === undefined) {
      more = this.#of(withPlace(this.#combinations[membership]!, place));
      this.#withPlace.set(key, more);
    }
    return more;
  }

  #of(tables: bigint): number {
    const known = this.#indexes.get(tables);
    if (known !== undefined) return known;
    this.#indexes.set(tables, this.count);
    return this.#combinations.push(tables) - 1;
  }

  encode(): Uint8Array {
    const words = new Uint32Array((this.count * L.MEMBERSHIP_BYTES) / 4);
    const perMembership = L.MEMBERSHIP_BYTES / 4;
    this.#combinations.forEach((tables, index) => {
      for (let i = 0; i < perMembership; i++) {
        words[index * perMembership + i] = Number(BigInt.asUintN(WORD_BITS, tables >> BigInt(i * WORD_BITS)));
      }
    });
    return new Uint8Array(words.buffer);
  }
}

function withPlace(combination: bigint, place: Place): bigint {
  if ('table' in place) return combination | (1n << BigInt(place.table));
  const at = SCORES_AT + BigInt(place.map * 8);
  return (combination & ~(0xffn << at)) | (BigInt(place.score + 1) << at);
}
