/**
 * A MaxMind database in memory that all threads share. The tree is walked here, from an address's bytes and without
 * an allocation; what a record holds is read by `mmdb-lib`. Only for databases that `checkMmdb` found sound.
 */
import { Reader } from 'mmdb-lib';
import { readRecord } from './mmdb-check.ts';

const V4_AT = 12;
const V4_DEPTH = 96;

export class Mmdb {
  readonly #file: Uint8Array;
  // biome-ignore lint/suspicious/noExplicitAny: the library's type of a record knows MaxMind's own databases alone
  readonly #reader: Reader<any>;
  readonly #nodeCount: number;
  readonly #recordSize: number;
  readonly #isV6: boolean;
  /** Where IPv4 addresses begin. */
  readonly #v4Start: number;

  constructor(memory: SharedArrayBuffer) {
    const file = Buffer.from(memory);
    this.#file = file;
    this.#reader = new Reader(file);
    const { nodeCount, recordSize, ipVersion } = this.#reader.metadata;
    this.#nodeCount = nodeCount;
    this.#recordSize = recordSize;
    this.#isV6 = ipVersion === 6;
    let start = 0;
    for (let bit = 0; this.#isV6 && bit < V4_DEPTH && start < nodeCount; bit++) {
      start = readRecord(file, start, 0, recordSize);
    }
    this.#v4Start = start;
  }

  /**
   * The number of the record about an address; 0 when there is none.
   * @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d.
   */
  find(ip: Uint8Array, isV4: boolean): number {
    if (!isV4 && !this.#isV6) return 0;
    const nodeCount = this.#nodeCount;
    let record = isV4 ? this.#v4Start : 0;
    for (let at = isV4 ? V4_AT : 0; at < 16 && record < nodeCount; at++) {
      const byte = ip[at]!;
      for (let shift = 7; shift >= 0 && record < nodeCount; shift--) {
        record = readRecord(this.#file, record, (byte >> shift) & 1, this.#recordSize);
      }
    }
    return record > nodeCount ? record : 0;
  }

  /** What the database says of an address; null when nothing. */
  read(ip: Uint8Array, isV4: boolean): unknown {
    return this.#reader.get(isV4 ? ip.subarray(V4_AT).join('.') : groups(ip));
  }
}

/** All eight groups of an IPv6 address. */
function groups(ip: Uint8Array): string {
  return Buffer.from(ip).toString('hex').match(/..../g)!.join(':');
}
