/** Sets and feeds as the table region the decision core looks values up in. */
import { createHash } from 'node:crypto';
import type { Program, Table } from '../pdl/ir.ts';
import { canonicalJson } from './canonical.ts';
import { cutIntervals, type Intervals, type Prefix, parsePrefix } from './intervals.ts';
import * as L from './layout.gen.ts';

/** A member that its table cannot hold. */
export class FeedError extends Error {
  /** Index in `Program.feeds`; null when the set is written in the policy. */
  readonly feed: number | null;
  /** Index of the member. */
  readonly index: number;

  constructor(feed: number | null, index: number, member: string, kind: Table['kind']) {
    super(`${JSON.stringify(member.slice(0, 80))} (entry ${index + 1}) is not ${WANTED[kind]}`);
    this.name = 'FeedError';
    this.feed = feed;
    this.index = index;
  }
}

const WANTED: Readonly<Record<Table['kind'], string>> = {
  cidr: 'an IP address or prefix',
  hash: 'a value of 1 to 65,000 bytes',
  host: 'a host name or *.suffix',
  number: 'a number',
  glob: 'a pattern',
  regex: 'a regular expression',
};
const KINDS = {
  cidr: L.TABLE_CIDR,
  hash: L.TABLE_HASH,
  host: L.TABLE_HOST,
  number: L.TABLE_NUMBER,
} as const;
const MAX_MEMBER_BYTES = 65_000;
const HOST = /^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/** Names the tables' order and meaning: an image reads only a region with its own. */
export function tablesId(program: Program): Uint8Array {
  const shape = { tables: program.tables, feeds: program.feeds.map((feed) => [feed.name, feed.type]) };
  return createHash('sha256').update(canonicalJson(shape)).digest().subarray(0, 8);
}

interface Encoded {
  readonly kind: number;
  /** The bit of a CIDR table; elsewhere filled in when the content is placed. */
  readonly bit: number;
  readonly count: number;
  readonly content: Uint8Array;
  readonly dataLength: number;
}

const EMPTY = new Uint8Array(0);

/**
 * Encodes every table of a program; `feeds` holds members by feed index. A feed that is not in it makes its
 * table missing, so that tests of it are unknown.
 * @throws FeedError for a member that is not of the table's kind.
 * @throws RangeError when the program has more tables than the ABI allows.
 */
export function encodeTables(program: Program, feeds: ReadonlyMap<number, readonly string[]>): Uint8Array {
  if (program.tables.length > L.MAX_TABLES) {
    throw new RangeError(`the program has ${program.tables.length} tables; the limit is ${L.MAX_TABLES}`);
  }
  const v4: Prefix[] = [];
  const v6: Prefix[] = [];
  let bit = 0;
  const encoded = program.tables.map((table): Encoded => {
    const feed = table.feed ?? null;
    const members = feed === null ? (table.members ?? []) : feeds.get(feed);
    // why: the core has no matcher for patterns; what it cannot look up must be unknown to it.
    if (members === undefined || table.kind === 'glob' || table.kind === 'regex') {
      return { kind: L.TABLE_MISSING, bit: 0, count: 0, content: EMPTY, dataLength: 0 };
    }
    if (table.kind !== 'cidr') return encodeTable(table.kind, members, feed);
    if (bit === L.MAX_CIDR_TABLES) {
      throw new RangeError(`the program has more than ${L.MAX_CIDR_TABLES} tables of addresses`);
    }
    members.forEach((member, index) => {
      const prefix = parsePrefix(member, bit);
      if (!prefix) throw new FeedError(feed, index, member, 'cidr');
      (prefix.v4 ? v4 : v6).push(prefix);
    });
    return { kind: L.TABLE_CIDR, bit: bit++, count: members.length, content: EMPTY, dataLength: 0 };
  });
  return assemble(program, encoded, cutIntervals(v4, 32), cutIntervals(v6, 128));
}

function encodeTable(
  kind: 'hash' | 'host' | 'number',
  members: readonly string[],
  feed: number | null,
): Encoded {
  if (kind === 'number') return encodeNumbers(members, feed);
  return encodeStrings(
    kind,
    members.map((member, index) => {
      const text = kind === 'host' ? member.toLowerCase().replace(/\.$/, '') : member;
      const bytes = Buffer.from(text);
      const good =
        bytes.length > 0 && bytes.length <= MAX_MEMBER_BYTES && (kind !== 'host' || HOST.test(text));
      if (!good) throw new FeedError(feed, index, member, kind);
      return bytes;
    }),
  );
}

function encodeNumbers(members: readonly string[], feed: number | null): Encoded {
  const values = Float64Array.from(members, (member, index) => {
    const value = /^-?\d{1,15}(\.\d{1,6})?$/.test(member) ? Number(member) : Number.NaN;
    if (Number.isNaN(value)) throw new FeedError(feed, index, member, 'number');
    return value;
  }).sort();
  const content = new Uint8Array(values.length * 8);
  const view = new DataView(content.buffer);
  values.forEach((value, i) => {
    view.setFloat64(i * 8, value, true);
  });
  return { kind: KINDS.number, bit: 0, count: values.length, content, dataLength: 0 };
}

/** FNV-1a. */
function hash(bytes: Uint8Array): number {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** Open addressing with at most half of the buckets taken; the data begin with a filler byte. */
function encodeStrings(kind: 'hash' | 'host', members: readonly Buffer[]): Encoded {
  let buckets = 2;
  while (buckets < members.length * 2) buckets *= 2;
  const dataLength = members.reduce((sum, member) => sum + member.length + 2, 1);
  const content = new Uint8Array(buckets * L.BUCKET_BYTES + dataLength);
  const view = new DataView(content.buffer);
  const data = buckets * L.BUCKET_BYTES;
  let at = 1;
  for (const member of members) {
    const h = hash(member);
    let bucket = h & (buckets - 1);
    while (view.getUint32(bucket * L.BUCKET_BYTES + L.BUCKET_OFFSET_AT, true) !== 0) {
      bucket = (bucket + 1) & (buckets - 1);
    }
    view.setUint32(bucket * L.BUCKET_BYTES + L.BUCKET_HASH_AT, h, true);
    view.setUint32(bucket * L.BUCKET_BYTES + L.BUCKET_OFFSET_AT, at, true);
    view.setUint16(data + at, member.length, true);
    content.set(member, data + at + 2);
    at += member.length + 2;
  }
  return { kind: KINDS[kind], bit: 0, count: buckets, content, dataLength };
}

function align8(offset: number): number {
  return (offset + 7) & ~7;
}

function assemble(program: Program, tables: readonly Encoded[], v4: Intervals, v6: Intervals): Uint8Array {
  const v4At = align8(L.TABLES_HEADER_BYTES + tables.length * L.TABLE_BYTES);
  const v6At = align8(v4At + v4.bytes.length);
  const offsets: number[] = [];
  let size = align8(v6At + v6.bytes.length);
  for (const table of tables) {
    offsets.push(size);
    size = align8(size + table.content.length);
  }
  const region = new Uint8Array(size);
  const view = new DataView(region.buffer);
  view.setUint32(L.TABLES_HEADER_MAGIC_AT, L.MAGIC_TABLES, true);
  view.setUint32(L.TABLES_HEADER_SIZE_AT, size, true);
  view.setUint32(L.TABLES_HEADER_ABI_AT, L.ABI_VERSION, true);
  view.setUint32(L.TABLES_HEADER_COUNT_AT, tables.length, true);
  region.set(tablesId(program), L.TABLES_HEADER_TABLES_ID_AT);
  view.setUint32(L.TABLES_HEADER_CIDR4_OFFSET_AT, v4At, true);
  view.setUint32(L.TABLES_HEADER_CIDR4_COUNT_AT, v4.count, true);
  view.setUint32(L.TABLES_HEADER_CIDR6_OFFSET_AT, v6At, true);
  view.setUint32(L.TABLES_HEADER_CIDR6_COUNT_AT, v6.count, true);
  region.set(v4.bytes, v4At);
  region.set(v6.bytes, v6At);
  tables.forEach((table, index) => {
    const at = L.TABLES_HEADER_BYTES + index * L.TABLE_BYTES;
    view.setUint32(at + L.TABLE_KIND_AT, table.kind, true);
    view.setUint32(at + L.TABLE_OFFSET_AT, table.kind === L.TABLE_CIDR ? table.bit : offsets[index]!, true);
    view.setUint32(at + L.TABLE_COUNT_AT, table.count, true);
    view.setUint32(at + L.TABLE_DATA_LENGTH_AT, table.dataLength, true);
    region.set(table.content, offsets[index]);
  });
  const digest = createHash('sha256').update(region.subarray(L.TABLES_HEADER_ABI_AT)).digest();
  region.set(digest, L.TABLES_HEADER_DIGEST_AT);
  return region;
}
