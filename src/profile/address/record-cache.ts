/**
 * What records hold, kept for those that were asked for of late: a fixed number of places, each with the last record
 * that fell on it. Constant time, without a list to keep in order.
 */
/** 2^32 by the golden ratio spreads neighbours over the places. */
const SPREAD = 0x9e3779b1;

export class RecordCache<V> {
  /** Numbers of records; 0: nothing is there. */
  readonly #records: Uint32Array;
  readonly #values: (V | undefined)[];
  readonly #shift: number;

  /** @param bits There are 2^bits places (1 to 20): no more than are asked for, since each is a line of a processor's cache. */
  constructor(bits: number) {
    this.#records = new Uint32Array(1 << bits);
    this.#values = new Array<V | undefined>(1 << bits).fill(undefined);
    this.#shift = 32 - bits;
  }

  get(record: number): V | undefined {
    const place = Math.imul(record, SPREAD) >>> this.#shift;
    return this.#records[place] === record ? this.#values[place] : undefined;
  }

  set(record: number, value: V): void {
    const place = Math.imul(record, SPREAD) >>> this.#shift;
    this.#records[place] = record;
    this.#values[place] = value;
  }
}
