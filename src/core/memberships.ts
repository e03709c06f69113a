/** The tables that members of sets are in: each combination is kept once. */
import * as L from './layout.gen.ts';

/** A host reads the bits of a word from the lowest on. */
const WORD_BITS = 32;

export class Memberships {
  /** The membership of what is in no table. */
  readonly none: number;
  readonly #combinations: bigint[] = [];
  readonly #indexes = new Map<bigint, number>();
  /** By membership and table: what they make. */
  readonly #withTable = new Map<number, number>();

  constructor() {
    this.none = this.#of(0n);
  }

  get count(): number {
    return this.#combinations.length;
  }

  /** The membership of what is in `table` beside the tables of `membership`. */
  with(membership: number, table: number): number {
    const key = membership * L.MAX_TABLES + table;
    let more = this.#withTable.get(key);
    if (more === undefined) {
      more = this.#of(this.#combinations[membership]! | (1n << BigInt(table)));
      this.#withTable.set(key, more);
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
