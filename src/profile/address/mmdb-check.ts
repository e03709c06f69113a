/**
 * Is a file a whole and sound MaxMind database? (MaxMind DB File Format Specification 2.0.) Readers trust what
 * they read: this looks at every node and record once, before any of them sees it.
 */
import { isUtf8 } from 'node:buffer';

/** Where the parts of a sound database lie. */
export interface MmdbLayout {
  readonly nodeCount: number;
  /** Bits: 24, 28 or 32. */
  readonly recordSize: number;
  readonly ipVersion: 4 | 6;
  readonly databaseType: string;
  /** Seconds since the epoch. */
  readonly buildEpoch: number;
}

/** Why a database is refused. */
export class MmdbError extends Error {}

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
/** The metadata are at most so long, and stand at the end. */
const MAX_METADATA = 128 * 1024;
/** Zero bytes between the tree and the data. */
export const SEPARATOR = 16;
const MAX_DEPTH = 32;
/** Values in one record; the largest of MaxMind's have a hundred. */
const MAX_VALUES = 4_096;
/** A build this far ahead would make every later file an older one. */
const MAX_AHEAD_S = 7 * 86_400;

const TYPE = {
  pointer: 1,
  string: 2,
  double: 3,
  bytes: 4,
  map: 7,
  array: 11,
  boolean: 14,
  float: 15,
} as const;
/** Most bytes of the numbers: uint16, uint32, int32, uint64, uint128. */
const INTEGER_BYTES: Readonly<Record<number, number>> = { 5: 2, 6: 4, 8: 4, 9: 8, 10: 16 };
const POINTER_BASE = [0, 2_048, 526_336, 0] as const;

/**
 * Checks everything but what the records mean.
 * @param onRecord Called once for each distinct data record, with its number in the tree.
 * @throws MmdbError that says what is wrong.
 */
export function checkMmdb(bytes: Uint8Array, nowMs: number, onRecord: (record: number) => void): MmdbLayout {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const start = file.lastIndexOf(MARKER);
  if (start === -1 || start < file.length - MAX_METADATA) {
    throw new MmdbError('it is no MaxMind database, or its end is missing');
  }
  const metadataAt = start + MARKER.length;
  const layout = readLayout(new Section(file, metadataAt, file.length), metadataAt, nowMs);
  const dataAt = (layout.nodeCount * layout.recordSize) / 4 + SEPARATOR;
  if (dataAt > start) throw new MmdbError(`it has no room for the ${layout.nodeCount} nodes that it names`);
  if (file.subarray(dataAt - SEPARATOR, dataAt).some((byte) => byte !== 0)) {
    throw new MmdbError('its search tree is not where its metadata say');
  }
  walkTree(file, layout, new Section(file, dataAt, start), onRecord);
  return layout;
}

function readLayout(section: Section, at: number, nowMs: number): MmdbLayout {
  section.check(at);
  const metadata = section.topLevel(at);
  const number = (name: string): number => {
    const value = metadata.get(name);
    if (typeof value === 'number') return value;
    throw new MmdbError(`its metadata have no number \`${name}\``);
  };
  const nodeCount = number('node_count');
  const recordSize = number('record_size');
  const ipVersion = number('ip_version');
  const buildEpoch = number('build_epoch');
  const databaseType = metadata.get('database_type');
  if (number('binary_format_major_version') !== 2) throw new MmdbError('its format is not version 2');
  if (![24, 28, 32].includes(recordSize))
    throw new MmdbError(`its record size is ${recordSize}, not 24, 28 or 32`);
  if (ipVersion !== 4 && ipVersion !== 6) throw new MmdbError(`its IP version is ${ipVersion}, not 4 or 6`);
  if (nodeCount === 0) throw new MmdbError('it holds no networks');
  if (typeof databaseType !== 'string') throw new MmdbError('its metadata do not name its type');
  if (buildEpoch > nowMs / 1_000 + MAX_AHEAD_S)
    throw new MmdbError('it says that it was built in the future');
  return { nodeCount, recordSize, ipVersion, databaseType, buildEpoch };
}

/** Depth first, each node once: networks may share a part of the tree, and no path may be longer than an address. */
function walkTree(
  file: Uint8Array,
  { nodeCount, recordSize, ipVersion }: MmdbLayout,
  data: Section,
  onRecord: (record: number) => void,
): void {
  const depth = ipVersion === 4 ? 32 : 128;
  /** The levels below each node that is done, plus one. */
  const height = new Uint8Array(nodeCount);
  const path = new Uint32Array(depth);
  /** Sides of the node at each level that were taken: 0, 1, 2. */
  const taken = new Uint8Array(depth);
  const seen = new Set<number>();
  let level = 0;
  path[0] = 0;
  while (level >= 0) {
    const node = path[level]!;
    const side = taken[level]!;
    if (side === 2) {
      taken[level] = 0;
      level--;
      if (level >= 0) height[path[level]!] = Math.max(height[path[level]!]!, height[node]! + 1);
      continue;
    }
    if (side === 0) height[node] = Math.max(height[node]!, 1);
    taken[level] = side + 1;
    const record = readRecord(file, node, side, recordSize);
    if (record < nodeCount) {
      const below = height[record]!;
      if (level + 1 + below > depth || (below === 0 && level + 1 >= depth)) {
        throw new MmdbError('its search tree is deeper than an address is long');
      }
      if (below > 0) {
        // A part that is shared, or a cycle: a node on the way here is not done.
        if (path.subarray(0, level + 1).includes(record)) throw new MmdbError('its search tree has a cycle');
        height[node] = Math.max(height[node]!, below + 1);
        continue;
      }
      level++;
      path[level] = record;
      continue;
    }
    if (record === nodeCount || seen.has(record)) continue;
    seen.add(record);
    const at = record - nodeCount - SEPARATOR + data.start;
    if (at < data.start || at >= data.end) throw new MmdbError('its search tree points outside the data');
    data.check(at);
    onRecord(record);
  }
}

/** One of the two records of a node: the number of a node, the node count for none, or beyond it a place in the data. */
export function readRecord(file: Uint8Array, node: number, side: number, recordSize: number): number {
  const at = (node * recordSize) / 4;
  if (recordSize === 24) {
    const from = at + side * 3;
    return (file[from]! << 16) | (file[from + 1]! << 8) | file[from + 2]!;
  }
  if (recordSize === 28) {
    const high = side === 0 ? file[at + 3]! >> 4 : file[at + 3]! & 0x0f;
    const from = at + side * 4;
    return (high << 24) | (file[from]! << 16) | (file[from + 1]! << 8) | file[from + 2]!;
  }
  const from = at + side * 4;
  return file[from]! * 0x1_00_00_00 + ((file[from + 1]! << 16) | (file[from + 2]! << 8) | file[from + 3]!);
}

/** Encoded values between two offsets; pointers count from the first. */
class Section {
  readonly start: number;
  readonly end: number;
  readonly #file: Buffer;
  #left = 0;
  /** Of the value whose head was read last. */
  #type = 0;
  #size = 0;

  constructor(file: Buffer, start: number, end: number) {
    this.#file = file;
    this.start = start;
    this.end = end;
  }

  /** @throws MmdbError when the value at `at`, or one that it holds or points to, is not sound. */
  check(at: number): void {
    this.#left = MAX_VALUES;
    this.#skip(at, 0, true);
  }

  /** Strings and numbers of the map at `at`, which was checked. */
  topLevel(at: number): Map<string, string | number> {
    const values = new Map<string, string | number>();
    let next = this.#head(at);
    if (this.#type !== TYPE.map) throw new MmdbError('its metadata are no map');
    for (let left = this.#size; left > 0; left--) {
      const [key, valueAt] = this.#scalar(next);
      const [value] = this.#scalar(valueAt);
      if (typeof key === 'string' && value !== null) values.set(key, value);
      next = this.#skip(valueAt, 0, true);
    }
    return values;
  }

  /** A string or a number of up to 64 bits, and where it ends; null for anything else. */
  #scalar(at: number): [string | number | null, number] {
    const body = this.#head(at);
    const type = this.#type;
    const size = this.#size;
    if (type === TYPE.pointer) return [this.#scalar(size)[0], body];
    const end = body + size;
    if (type === TYPE.string) return [this.#file.toString('utf8', body, end), end];
    if (INTEGER_BYTES[type] === undefined || size > 8) return [null, end];
    let number = 0;
    for (let index = body; index < end; index++) number = number * 256 + this.#file[index]!;
    return [number, end];
  }

  #byte(at: number): number {
    if (at >= this.end) throw new MmdbError('a value reaches over the end of its section');
    return this.#file[at]!;
  }

  /** Reads a value's head; answers where its body begins. The size of a pointer is where it points to. */
  #head(at: number): number {
    const control = this.#byte(at);
    this.#type = control >> 5;
    if (this.#type === TYPE.pointer) return this.#pointer(control, at + 1);
    let next = at + 1;
    if (this.#type === 0) this.#type = this.#byte(next++) + 7;
    const size = control & 31;
    const more = Math.max(0, size - 28);
    let extra = 0;
    for (let index = 0; index < more; index++) extra = extra * 256 + this.#byte(next++);
    this.#size = more === 0 ? size : [29, 285, 65_821][more - 1]! + extra;
    return next;
  }

  #pointer(control: number, at: number): number {
    const bytes = ((control >> 3) & 3) + 1;
    let value = bytes === 4 ? 0 : control & 7;
    for (let index = 0; index < bytes; index++) value = value * 256 + this.#byte(at + index);
    this.#size = this.start + value + POINTER_BASE[bytes - 1]!;
    return at + bytes;
  }

  /** Checks a value and answers where it ends. */
  #skip(at: number, depth: number, mayPoint: boolean): number {
    if (depth > MAX_DEPTH) throw new MmdbError(`values lie more than ${MAX_DEPTH} deep in each other`);
    if (--this.#left < 0) throw new MmdbError(`a record holds more than ${MAX_VALUES} values`);
    const body = this.#head(at);
    const type = this.#type;
    const size = this.#size;
    if (type === TYPE.pointer) {
      if (!mayPoint) throw new MmdbError('a pointer points to a pointer');
      this.#skip(size, depth + 1, false);
      return body;
    }
    if (type === TYPE.map || type === TYPE.array) {
      let next = body;
      for (let index = 0; index < size; index++) {
        if (type === TYPE.map) next = this.#key(next, depth + 1);
        next = this.#skip(next, depth + 1, true);
      }
      return next;
    }
    if (type === TYPE.boolean) {
      if (size > 1) throw new MmdbError('a boolean is neither true nor false');
      return body;
    }
    const end = body + size;
    if (end > this.end) throw new MmdbError('a value reaches over the end of its section');
    const isSound =
      type === TYPE.string
        ? isUtf8(this.#file.subarray(body, end))
        : type === TYPE.double
          ? size === 8
          : type === TYPE.float
            ? size === 4
            : type === TYPE.bytes || size <= (INTEGER_BYTES[type] ?? -1);
    if (!isSound) throw new MmdbError(`a value of type ${type} is not sound`);
    return end;
  }

  #key(at: number, depth: number): number {
    this.#head(at);
    if (this.#type === TYPE.pointer) this.#head(this.#size);
    if (this.#type !== TYPE.string) throw new MmdbError('a key of a map is no string');
    return this.#skip(at, depth, true);
  }
}
