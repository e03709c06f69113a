/** Sets of byte strings as the decision core searches them; assembly/sets.ts tells the form. */
import { createHash } from 'node:crypto';
import * as L from './layout.gen.ts';

export interface StringSet {
  /** Buckets, a power of two. */
  readonly count: number;
  /** The buckets, then the members. */
  readonly content: Uint8Array;
  readonly dataLength: number;
}

/** Each member behind a 16-bit length. */
const LENGTH_BYTES = 2;

/**
 * Open addressing with at most half of the buckets taken; the data begin with a filler byte. The seed of the hash
 * comes from the members of all sets, so that no feed can be made to collide.
 * @throws RangeError when some set is too crowded with every seed, which does not happen by chance.
 */
export function encodeSets(sets: readonly (readonly Buffer[])[]): { seed: number; encoded: StringSet[] } {
  const digest = createHash('sha256');
  for (const member of sets.flat()) digest.update(member);
  const seeds = digest.digest();
  for (let at = 0; at + 4 <= seeds.length; at += 4) {
    const seed = seeds.readUInt32LE(at);
    const encoded = sets.map((members) => place(members, seed));
    if (encoded.every((set) => set !== null)) return { seed, encoded };
  }
  throw new RangeError('the members of a set cannot be spread over its buckets');
}

/** Null when too many buckets in a row are taken. */
function place(members: readonly Buffer[], seed: number): StringSet | null {
  let buckets = 2;
  while (buckets < members.length * 2) buckets *= 2;
  const capacity = members.reduce((sum, member) => sum + member.length + LENGTH_BYTES, 1);
  const mask = buckets - 1;
  const table = new Uint32Array(buckets * 2);
  const data = Buffer.alloc(capacity);
  let end = 1;
  for (const member of members) {
    const hash = hashOf(member, seed);
    let bucket = hash & mask;
    let isNew = true;
    for (let taken = 1; table[bucket * 2 + 1] !== 0; taken++) {
      const offset = table[bucket * 2 + 1]!;
      if (table[bucket * 2] === hash && isAt(data, offset, member)) {
        isNew = false;
        break;
      }
      if (taken === L.MAX_BUCKET_RUN) return null;
      bucket = (bucket + 1) & mask;
    }
    if (!isNew) continue;
    table[bucket * 2] = hash;
    table[bucket * 2 + 1] = end;
    data.writeUInt16LE(member.length, end);
    data.set(member, end + LENGTH_BYTES);
    end += LENGTH_BYTES + member.length;
  }
  if (longestRun(table) > L.MAX_BUCKET_RUN) return null;
  const content = new Uint8Array(buckets * L.BUCKET_BYTES + end);
  const view = new DataView(content.buffer);
  for (let bucket = 0; bucket < buckets; bucket++) {
    view.setUint32(bucket * L.BUCKET_BYTES + L.BUCKET_HASH_AT, table[bucket * 2]!, true);
    view.setUint32(bucket * L.BUCKET_BYTES + L.BUCKET_OFFSET_AT, table[bucket * 2 + 1]!, true);
  }
  content.set(data.subarray(0, end), buckets * L.BUCKET_BYTES);
  return { count: buckets, content, dataLength: end };
}

/** FNV-1a from the last byte to the first, so that the hash of a host name meets all its suffixes on the way. */
function hashOf(bytes: Buffer, seed: number): number {
  let hash = seed;
  for (let i = bytes.length - 1; i >= 0; i--) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

function isAt(data: Buffer, offset: number, member: Buffer): boolean {
  const start = offset + LENGTH_BYTES;
  return (
    data.readUInt16LE(offset) === member.length &&
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
