/** Sets of byte strings as the decision core searches them, many in one; assembly/sets.ts tells the form. */
import { createHash } from 'node:crypto';
import * as L from './layout.gen.ts';
import type { Memberships, Place } from './memberships.ts';

/** Members that are all in one place: a table of the program, or a map with one score. */
export interface NamedSet {
  readonly place: Place;
  readonly members: readonly Buffer[];
}

export interface StringSet {
  readonly seed: number;
  /** Buckets, a power of two. */
  readonly count: number;
  /** The buckets, then the members. */
  readonly content: Uint8Array;
  readonly dataLength: number;
}

/** Each member stands behind the index of its membership and its length. */
const HEADER_BYTES = L.MEMBER_LENGTH_AT + 2;
/** Offset 0 is that of an empty bucket. */
const FILLER_BYTES = 1;

/**
 * Open addressing with at most half of the buckets taken. The seed of the hash comes from the members, so that no feed
 * can be made to collide.
 * @throws RangeError when the set is too crowded with every seed, which does not happen by chance.
 */
export function encodeSets(sets: readonly NamedSet[], memberships: Memberships): StringSet {
  const digest = createHash('sha256');
  for (const { members } of sets) for (const member of members) digest.update(member);
  const seeds = digest.digest();
  for (let at = 0; at + 4 <= seeds.length; at += 4) {
    const encoded = place(sets, seeds.readUInt32LE(at), memberships);
    if (encoded !== null) return encoded;
  }
  throw new RangeError('the members of the sets cannot be spread over their buckets');
}

/** Null when too many buckets in a row are taken. */
function place(sets: readonly NamedSet[], seed: number, memberships: Memberships): StringSet | null {
  const total = sets.reduce((sum, { members }) => sum + members.length, 0);
  let buckets = 2;
  while (buckets < total * 2) buckets *= 2;
  const table = new Uint32Array(buckets * 2);
  const bytesOf = (sum: number, member: Buffer): number => sum + HEADER_BYTES + member.length;
  const capacity = sets.reduce((sum, { members }) => members.reduce(bytesOf, sum), FILLER_BYTES);
  const data = Buffer.alloc(capacity);
  let end = FILLER_BYTES;
  for (const { place: named, members } of sets) {
    for (const member of members) {
      const hash = hashOf(member, seed);
      const bucket = bucketOf(table, hash, data, member);
      if (bucket === -1) return null;
      const offset = table[bucket * 2 + 1]!;
      if (offset !== 0) {
        const more = memberships.with(data.readUInt32LE(offset + L.MEMBER_MEMBERSHIP_AT), named);
        data.writeUInt32LE(more, offset + L.MEMBER_MEMBERSHIP_AT);
        continue;
      }
      table[bucket * 2] = hash;
      table[bucket * 2 + 1] = end;
      data.writeUInt32LE(memberships.with(memberships.none, named), end + L.MEMBER_MEMBERSHIP_AT);
      data.writeUInt16LE(member.length, end + L.MEMBER_LENGTH_AT);
      data.set(member, end + HEADER_BYTES);
      end += HEADER_BYTES + member.length;
    }
  }
  if (longestRun(table) > L.MAX_BUCKET_RUN) return null;
  const content = new Uint8Array(buckets * L.BUCKET_BYTES + end);
  content.set(new Uint8Array(table.buffer));
  content.set(data.subarray(0, end), buckets * L.BUCKET_BYTES);
  return { seed, count: buckets, content, dataLength: end };
}

/** The bucket of a member: its own, or the empty one it goes to; -1 when too many in a row are taken. */
function bucketOf(table: Uint32Array, hash: number, data: Buffer, member: Buffer): number {
  const mask = table.length / 2 - 1;
  let bucket = hash & mask;
  for (let taken = 1; table[bucket * 2 + 1] !== 0; taken++) {
    if (table[bucket * 2] === hash && isAt(data, table[bucket * 2 + 1]!, member)) return bucket;
    if (taken === L.MAX_BUCKET_RUN) return -1;
    bucket = (bucket + 1) & mask;
  }
  return bucket;
}

/** FNV-1a from the last byte to the first, so that the hash of a host name meets all its suffixes on the way. */
function hashOf(bytes: Buffer, seed: number): number {
  let hash = seed;
  for (let i = bytes.length - 1; i >= 0; i--) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function isAt(data: Buffer, offset: number, member: Buffer): boolean {
  const start = offset + HEADER_BYTES;
  return (
    data.readUInt16LE(offset + L.MEMBER_LENGTH_AT) === member.length &&
    data.compare(member, 0, member.length, start, start + member.length) === 0
  );
}

/** Most taken buckets in a row, around the end too. */
function longestRun(table: Uint32Array): number {
  const buckets = table.length / 2;
  let longest = 0;
  let run = 0;
  for (let i = 0; i < buckets * 2; i++) {
    run = table[(i % buckets) * 2 + 1] === 0 ? 0 : run + 1;
    longest = Math.max(longest, run);
  }
  return longest;
}
