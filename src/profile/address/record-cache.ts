/**
 * What records hold, kept for those that were asked for of late: a fixed number of places, each with the last record
 * that fell on it. Constant time, without a list to keep in order.
 */
const BITS = 15;
/** 2^32 by the golden ratio spreads neighbours over the places. */
const SPREAD = 0x9e3779b1;

export class RecordCache<V> {
  /** Numbers of records; 0: nothing is there. */
  readonly #records = new Uint32Array(1 << BITS);
  readonly #values: (V | undefined)[] = new Array(1 << BITS).fill(undefined);

  get(record: number): V | undefined {
    const place = Math.imul(record, SPREAD) >>> (32 - BITS);
    return this.#records[place] === record ? this.#values[place] : undefined;
  }

  set(record: number, value: V): void {
    const place = Math.imul(record, SPREAD) >>> (32 - BITS);
    this.#records[place] = record;
    this.#values[place] = value;
  }
}
