/** Sets and feeds as the table region the decision core looks values up in. */
import { createHash } from 'node:crypto';
import { PrefixReader } from '../pdl/ip.ts';
import type { Program, Table } from '../pdl/ir.ts';
import { compileAutomaton } from '../pdl/pattern/automaton.ts';
import type { TextList } from '../pdl/text-list.ts';
import { canonicalJson } from './canonical.ts';
import * as L from './layout.gen.ts';
import { mapNumbers } from './maps.ts';
import { Memberships } from './memberships.ts';
import { readPrefixOf } from './packed-texts.ts';
import { encodeAutomaton } from './pattern-table.ts';
import { buildPrefixTable, type PrefixTable } from './prefix-table.ts';
import { type Origin, PrefixLists } from './prefixes.ts';
import { encodeSets, type NamedSet, type StringSet } from './set-table.ts';
import type { EncodedTrie } from './trie.ts';

export type { Origin } from './prefixes.ts';

/** A member that its table cannot hold. */
export class FeedError extends Error {
  /** Index in `Program.feeds`; null when the set is written in the policy. */
  readonly feed: number | null;
  /** Index of the member. */
  readonly index: number;

  constructor(feed: number | null, index: number, member: string, kind: Table['kind'] | 'score') {
    super(`${JSON.stringify(member.slice(0, 80))} (entry ${index + 1}) is not ${WANTED[kind]}`);
    this.name = 'FeedError';
    this.feed = feed;
    this.index = index;
  }
}

const WANTED: Readonly<Record<Table['kind'] | 'score', string>> = {
  cidr: 'an IP address or prefix',
  hash: 'a value of 1 to 65,000 bytes',
  host: 'a host name or *.suffix',
  number: 'a number',
  glob: 'a pattern',
  regex: 'a regular expression',
  score: 'a value, a blank and a score from 0 to 100',
};
const KINDS = {
  cidr: L.TABLE_CIDR,
  hash: L.TABLE_HASH,
  host: L.TABLE_HOST,
  number: L.TABLE_NUMBER,
} as const;
const MAX_MEMBER_BYTES = 65_000;
/** `*.` and a name (RFC 1035 section 2.3.4). */
const MAX_HOST_BYTES = 255;
const HOST = /^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/;

/** Names the tables' order and meaning: an image reads only a region with its own. */
export function tablesId(program: Program): Uint8Array {
  const feeds = program.feeds.map(({ name, type, toScore }) => [name, type, ...(toScore ? ['score'] : [])]);
  const shape = { tables: program.tables, feeds };
  return createHash('sha256').update(canonicalJson(shape)).digest().subarray(0, 8);
}

/** A table as its element of the region tells it. */
interface Encoded {
  readonly kind: number;
  /** Of a CIDR table: its bit in a leaf. */
  readonly bit?: number;
  /** Of a table of numbers or of a pattern: what it has of its own, and how many numbers that is. */
  readonly content?: Uint8Array | Float64Array;
  readonly count?: number;
}

const MISSING: Encoded = { kind: L.TABLE_MISSING };
/** No atom asks about a map's table: its scores stand elsewhere. */
const MAP: Encoded = { kind: L.TABLE_HASH };
const MAX_ASN = 0xffff_ffff;
const MAX_SCORE = 100;

/** Where the addresses of a prefix come from; the longest prefix that says so counts. */
export interface OriginPrefix extends Origin {
  readonly prefix: string;
}

/**
 * Encodes every table of a program; `feeds` holds members by feed index. A feed that is not in it makes its
 * table missing, so that tests of it are unknown. With `origins`, the core knows `conn.asn` and `conn.country`.
 * A million prefixes take seconds: for a batch worker.
 * @throws FeedError for a member that is not of the table's kind.
 * @throws RangeError when the program has more tables than the ABI allows, or an origin is not one.
 */
export function encodeTables(
  program: Program,
  feeds: ReadonlyMap<number, TextList>,
  origins: Iterable<OriginPrefix> = [],
): Uint8Array {
  if (program.tables.length > L.MAX_TABLES) {
    throw new RangeError(`the program has ${program.tables.length} tables; the limit is ${L.MAX_TABLES}`);
  }
  const prefixes = new PrefixLists();
  const reader = new PrefixReader();
  addOrigins(prefixes, origins);
  const hashes: NamedSet[] = [];
  const hosts: NamedSet[] = [];
  const maps = mapNumbers(program);
  let bit = 0;
  const tables = program.tables.map((table, index): Encoded => {
    const { kind, feed = null } = table;
    const members: TextList | undefined = feed === null ? (table.members ?? []) : feeds.get(feed);
    if (members === undefined) return MISSING;
    if (kind === 'glob' || kind === 'regex')
      return { kind: L.TABLE_PATTERN, content: patternOf(kind, members) };
    const map = feed === null ? undefined : maps.get(feed);
    if (map !== undefined) {
      addScores({ map, kind, feed: feed! }, members, prefixes, kind === 'host' ? hosts : hashes);
      return MAP;
    }
    if (kind === 'number') return numbersOf(members, feed);
    if (kind !== 'cidr') {
      const strings = Array.from(members, (member, place) => stringOf(kind, member, feed, place));
      (kind === 'host' ? hosts : hashes).push({ place: { table: index }, members: strings });
      return { kind: KINDS[kind] };
    }
    if (bit === L.MAX_CIDR_TABLES) {
      throw new RangeError(`the program has more than ${L.MAX_CIDR_TABLES} tables of addresses`);
    }
    const mark = { list: bit };
    for (let place = 0; place < members.length; place++) {
      if (!readPrefixOf(members, place, reader)) throw new FeedError(feed, place, members.at(place)!, 'cidr');
      prefixes.add(reader, mark);
    }
    return { kind: KINDS.cidr, bit: bit++ };
  });
  const patterns = tables.filter(({ kind }) => kind === L.TABLE_PATTERN);
  const steps = patterns.reduce((sum, { content }) => sum + (content!.byteLength - L.PATTERN_BYTES) / 2, 0);
  if (steps > L.MAX_PATTERN_STEPS) {
    throw new RangeError(`the patterns take ${steps} steps; the limit is ${L.MAX_PATTERN_STEPS}`);
  }
  const memberships = new Memberships();
  const sets = { hashes: encodeSets(hashes, memberships), hosts: encodeSets(hosts, memberships) };
  return assemble(program, tables, { ...sets, memberships }, buildPrefixTable(prefixes));
}

interface ScoreMap {
  readonly map: number;
  readonly kind: Table['kind'];
  readonly feed: number;
}

/** Adds the members of a map, those with lower scores first: of equal members the highest score counts. */
function addScores(
  { map, kind, feed }: ScoreMap,
  entries: TextList,
  prefixes: PrefixLists,
  sets: NamedSet[],
): void {
  const byScore: { member: string; index: number }[][] = [];
  const reader = new PrefixReader();
  Array.from(entries).forEach((entry, index) => {
    const space = entry.lastIndexOf(' ');
    const score = /^\d{1,3}$/.test(entry.slice(space + 1)) ? Number(entry.slice(space + 1)) : MAX_SCORE + 1;
    if (space < 1 || score > MAX_SCORE) throw new FeedError(feed, index, entry, 'score');
    byScore[score] ??= [];
    byScore[score].push({ member: entry.slice(0, space), index });
  });
  byScore.forEach((scored, score) => {
    const place = { map, score };
    if (kind === 'cidr') {
      for (const { member, index } of scored) {
        if (!reader.readText(member)) throw new FeedError(feed, index, member, kind);
        prefixes.add(reader, place);
      }
      return;
    }
    const members = scored.map(({ member, index }) =>
      kind === 'number'
        ? numberKey(member, feed, index)
        : stringOf(kind === 'host' ? kind : 'hash', member, feed, index),
    );
    sets.push({ place, members });
  });
}

/** A number as the decision core looks it up in a map: four bytes, the lowest first. */
function numberKey(member: string, feed: number, index: number): Buffer {
  const value = /^\d{1,10}$/.test(member) ? Number(member) : Number.NaN;
  if (!(value <= MAX_ASN)) throw new FeedError(feed, index, member, 'number');
  const key = Buffer.alloc(4);
  key.writeUInt32LE(value);
  return key;
}

function addOrigins(prefixes: PrefixLists, origins: Iterable<OriginPrefix>): void {
  const reader = new PrefixReader();
  for (const origin of origins) {
    const { prefix, asn, country } = origin;
    const good =
      (asn === null || (Number.isInteger(asn) && asn > 0 && asn <= MAX_ASN)) &&
      (country === null || /^[A-Z]{2}$/.test(country));
    if (!good || !reader.readText(prefix)) {
      throw new RangeError(`not the origin of a prefix: ${JSON.stringify(origin)}`);
    }
    prefixes.add(reader, origin);
  }
}

function stringOf(kind: 'hash' | 'host', member: string, feed: number | null, index: number): Buffer {
  const text = kind === 'host' ? member.toLowerCase().replace(/\.$/, '') : member;
  const bytes = Buffer.from(text);
  const most = kind === 'host' ? MAX_HOST_BYTES : MAX_MEMBER_BYTES;
  if (bytes.length === 0 || bytes.length > most || (kind === 'host' && !HOST.test(text))) {
    throw new FeedError(feed, index, member, kind);
  }
  return bytes;
}

/** @throws PatternError for a pattern that the check of a policy refuses. */
function patternOf(kind: 'glob' | 'regex', [pattern = '']: Iterable<string>): Uint8Array {
  return encodeAutomaton(compileAutomaton(kind, pattern));
}

function numbersOf(members: TextList, feed: number | null): Encoded {
  const content = Float64Array.from(members, (member, index) => {
    const value = /^-?\d{1,15}(\.\d{1,6})?$/.test(member) ? Number(member) : Number.NaN;
    if (Number.isNaN(value)) throw new FeedError(feed, index, member, 'number');
    return value;
  }).sort();
  return { kind: L.TABLE_NUMBER, content, count: content.length };
}

function align8(offset: number): number {
  return (offset + 7) & ~7;
}

interface Sets {
  readonly hashes: StringSet;
  readonly hosts: StringSet;
  readonly memberships: Memberships;
}

/** The region is in shared memory: handing it to other threads copies nothing. */
function assemble(
  program: Program,
  tables: readonly Encoded[],
  sets: Sets,
  prefixes: PrefixTable,
): Uint8Array {
  let size = align8(L.TABLES_HEADER_BYTES + tables.length * L.TABLE_BYTES);
  const placed: (readonly [offset: number, content: Uint8Array])[] = [];
  const place = (array: Uint8Array | Uint32Array | Float64Array): number => {
    const offset = size;
    placed.push([offset, new Uint8Array(array.buffer, array.byteOffset, array.byteLength)]);
    size = align8(size + array.byteLength);
    return offset;
  };
  const { trie } = prefixes;
  const trieOffsets = {
    highNodes: place(trie.highNodes),
    flatNodes: place(trie.flatNodes),
    slots: place(trie.slots),
    cells: place(trie.cells),
  };
  const leavesOffset = place(prefixes.leaves);
  const hashes = place(sets.hashes.content);
  const hosts = place(sets.hosts.content);
  const memberships = place(sets.memberships.encode());
  const contents = tables.map((table) => (table.content ? place(table.content) : 0));
  const region = new Uint8Array(new SharedArrayBuffer(size));
  const view = new DataView(region.buffer);
  view.setUint32(L.TABLES_HEADER_MAGIC_AT, L.MAGIC_TABLES, true);
  view.setUint32(L.TABLES_HEADER_SIZE_AT, size, true);
  view.setUint32(L.TABLES_HEADER_ABI_AT, L.ABI_VERSION, true);
  view.setUint32(L.TABLES_HEADER_COUNT_AT, tables.length, true);
  region.set(tablesId(program), L.TABLES_HEADER_TABLES_ID_AT);
  writeTrie(view, L.TABLES_HEADER_TRIE_AT, trie, trieOffsets);
  view.setUint32(L.TABLES_HEADER_LEAVES_OFFSET_AT, leavesOffset, true);
  view.setUint32(L.TABLES_HEADER_LEAF_COUNT_AT, prefixes.leafCount, true);
  view.setUint32(L.TABLES_HEADER_HAS_ORIGINS_AT, prefixes.haveOrigins ? 1 : 0, true);
  const missing = tables.filter(({ kind }) => kind === L.TABLE_MISSING).length;
  view.setUint32(L.TABLES_HEADER_MISSING_AT, missing, true);
  writeSet(view, L.TABLES_HEADER_HASHES_AT, sets.hashes, hashes);
  writeSet(view, L.TABLES_HEADER_HOSTS_AT, sets.hosts, hosts);
  view.setUint32(L.TABLES_HEADER_MEMBERSHIPS_OFFSET_AT, memberships, true);
  view.setUint32(L.TABLES_HEADER_MEMBERSHIP_COUNT_AT, sets.memberships.count, true);
  for (const [offset, content] of placed) region.set(content, offset);
  tables.forEach((table, index) => {
    const at = L.TABLES_HEADER_BYTES + index * L.TABLE_BYTES;
    view.setUint32(at + L.TABLE_KIND_AT, table.kind, true);
    view.setUint32(at + L.TABLE_OFFSET_AT, table.bit ?? contents[index]!, true);
    view.setUint32(at + L.TABLE_COUNT_AT, table.count ?? 0, true);
  });
  const digest = createHash('sha256').update(region.subarray(L.TABLES_HEADER_ABI_AT)).digest();
  region.set(digest, L.TABLES_HEADER_DIGEST_AT);
  return region;
}

function writeSet(view: DataView, at: number, set: StringSet, buckets: number): void {
  view.setUint32(at + L.SET_SEED_AT, set.seed, true);
  view.setUint32(at + L.SET_BUCKETS_AT, buckets, true);
  view.setUint32(at + L.SET_COUNT_AT, set.count, true);
  view.setUint32(at + L.SET_DATA_LENGTH_AT, set.dataLength, true);
}

interface TrieOffsets {
  readonly highNodes: number;
  readonly flatNodes: number;
  readonly slots: number;
  readonly cells: number;
}

function writeTrie(view: DataView, at: number, trie: EncodedTrie, offsets: TrieOffsets): void {
  view.setUint32(at + L.TRIE_HIGH_ROOT_AT, trie.highRoot, true);
  view.setUint32(at + L.TRIE_HIGH_NODES_AT, offsets.highNodes, true);
  view.setUint32(at + L.TRIE_HIGH_NODE_COUNT_AT, trie.highNodes.length / L.NODE_BYTES, true);
  view.setUint32(at + L.TRIE_FLAT_ROOT_AT, trie.flatRoot, true);
  view.setUint32(at + L.TRIE_FLAT_NODES_AT, offsets.flatNodes, true);
  view.setUint32(at + L.TRIE_FLAT_NODE_COUNT_AT, trie.flatNodes.length / L.NODE_BYTES, true);
  view.setUint32(at + L.TRIE_SLOTS_AT, offsets.slots, true);
  view.setUint32(at + L.TRIE_SLOT_COUNT_AT, trie.slots.length / 4, true);
  view.setUint32(at + L.TRIE_FIRST_FLAT_SLOT_AT, trie.firstFlatSlot, true);
  view.setUint32(at + L.TRIE_CELLS_AT, offsets.cells, true);
  view.setUint32(at + L.TRIE_CELL_BYTES_AT, trie.cells.length, true);
}
