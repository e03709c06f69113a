/**
 * A MaxMind database in memory that all threads share. The tree is walked here, from an address's bytes and without
 * an allocation; what a record holds is read by `mmdb-lib`. Only for databases that `checkMmdb` found sound.
 */
import { Reader } from 'mmdb-lib';
import decoding from 'mmdb-lib/lib/decoder.js';
import { readRecord, SEPARATOR } from './mmdb-check.ts';

const V4_AT = 12;
const V4_DEPTH = 96;
/** The first half of an IPv4 address leads into the tree in one step: 256 KiB for each thread. */
const V4_HEADS = 65_536;

export class Mmdb {
  readonly #file: Uint8Array;
  // why: the library's own look-up takes an address as text and walks the tree once more.
  readonly #decoder: InstanceType<typeof decoding.default>;
  /** What a record's number is ahead of its place in the file. */
  readonly #ahead: number;
  readonly #nodeCount: number;
  readonly #recordSize: number;
  readonly #isV6: boolean;
  /** By the first 16 bits of an IPv4 address: the record below them. */
  readonly #v4Heads = new Uint32Array(V4_HEADS);

  constructor(memory: SharedArrayBuffer) {
    const file = Buffer.from(memory);
    this.#file = file;
    const { nodeCount, recordSize, ipVersion, searchTreeSize } = new Reader(file).metadata;
    this.#decoder = new decoding.default(file, searchTreeSize + SEPARATOR);
    this.#ahead = nodeCount - searchTreeSize;
    this.#nodeCount = nodeCount;
    this.#recordSize = recordSize;
    this.#isV6 = ipVersion === 6;
    let start = 0;
    for (let bit = 0; this.#isV6 && bit < V4_DEPTH && start < nodeCount; bit++) {
      start = readRecord(file, start, 0, recordSize);
    }
    this.#fillHeads(start, 0, V4_HEADS);
  }

  #fillHeads(record: number, from: number, count: number): void {
    if (record >= this.#nodeCount || count === 1) {
      this.#v4Heads.fill(record, from, from + count);
      return;
    }
    const half = count / 2;
    for (const side of [0, 1]) {
      this.#fillHeads(readRecord(this.#file, record, side, this.#recordSize), from + side * half, half);
    }
  }

  /**
   * The number of the record about an address; 0 when there is none.
   * @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d.
   */
  find(ip: Uint8Array, isV4: boolean): number {
    if (!isV4 && !this.#isV6) return 0;
    const nodeCount = this.#nodeCount;
    let record = isV4 ? this.#v4Heads[(ip[V4_AT]! << 8) | ip[V4_AT + 1]!]! : 0;
    for (let at = isV4 ? V4_AT + 2 : 0; at < 16 && record < nodeCount; at++) {
      const byte = ip[at]!;
      for (let shift = 7; shift >= 0 && record < nodeCount; shift--) {
        record = readRecord(this.#file, record, (byte >> shift) & 1, this.#recordSize);
      }
    }
    return record > nodeCount ? record : 0;
  }

  /** What the record of a number holds. */
  read(record: number): unknown {
    return this.#decoder.decodeFast(record - this.#ahead).value;
  }
}
