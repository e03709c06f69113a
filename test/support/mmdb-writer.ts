/** Writes MaxMind databases for tests (MaxMind DB File Format Specification 2.0): maps, text and numbers. */
import { parseIp } from '../../src/orchestrator/ip.ts';

export type MmdbValue =
  | string
  | number
  | bigint
  | boolean
  | readonly MmdbValue[]
  | { readonly [key: string]: MmdbValue };

export interface MmdbOptions {
  /** Networks and their records; a longer prefix goes after the shorter one around it. */
  readonly networks: readonly (readonly [prefix: string, record: MmdbValue])[];
  readonly recordSize?: 24 | 28 | 32;
  readonly ipVersion?: 4 | 6;
  readonly type?: string;
  /** Seconds since the epoch. */
  readonly buildEpoch?: number;
  /** Instead of what stands in the metadata otherwise; null leaves a key out. */
  readonly metadata?: Readonly<Record<string, MmdbValue | null>>;
}

/** Another node, a record by its number, or nothing. */
type Edge = Node | number | null;
type Node = [Edge, Edge];

const MARKER = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');

export function writeMmdb(options: MmdbOptions): Buffer {
  const { networks, recordSize = 24, ipVersion = 6, type = 'Test', buildEpoch = 1_700_000_000 } = options;
  const root: Node = [null, null];
  const records: Buffer[] = [];
  const offsets: number[] = [];
  let length = 0;
  const numbers = new Map<MmdbValue, number>();
  for (const [prefix, record] of networks) {
    // The same object is one record.
    let number = numbers.get(record);
    if (number === undefined) {
      number = offsets.length;
      numbers.set(record, number);
      const bytes = encodeValue(record);
      offsets.push(length);
      records.push(bytes);
      length += bytes.length;
    }
    insert(root, bitsOf(prefix, ipVersion), number);
  }
  const nodes = numbered(root);
  const metadata = {
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: BigInt(buildEpoch),
    database_type: type,
    description: { en: 'made for a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.size,
    record_size: recordSize,
    ...options.metadata,
  };
  const kept = Object.entries(metadata).filter(([, value]) => value !== null);
  return Buffer.concat([
    encodeTree(nodes, offsets, recordSize),
    Buffer.alloc(16),
    ...records,
    MARKER,
    encodeValue(Object.fromEntries(kept) as MmdbValue),
  ]);
}

function bitsOf(prefix: string, ipVersion: 4 | 6): number[] {
  const [text, length] = prefix.split('/') as [string, string];
  const { ip, isV4 } = parseIp(text)!;
  const bits = [...ip.subarray(12 * Number(isV4))].flatMap((byte) =>
    [7, 6, 5, 4, 3, 2, 1, 0].map((shift) => (byte >> shift) & 1),
  );
  const own = bits.slice(0, Number(length));
  return isV4 && ipVersion === 6 ? [...new Array(96).fill(0), ...own] : own;
}

function insert(root: Node, bits: readonly number[], record: number): void {
  let node = root;
  bits.forEach((bit, index) => {
    if (index === bits.length - 1) {
      node[bit] = record;
      return;
    }
    let next = node[bit]!;
    if (!Array.isArray(next)) {
      next = [next ?? null, next ?? null];
      node[bit] = next;
    }
    node = next;
  });
}

/** Depth first, as MaxMind's own files are: what lies below a node lies behind it. */
function numbered(root: Node): Map<Node, number> {
  const nodes = new Map<Node, number>();
  const waiting: Node[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    nodes.set(node, nodes.size);
    for (const edge of [node[1], node[0]]) if (Array.isArray(edge)) waiting.push(edge);
  }
  return nodes;
}

function encodeTree(
  nodes: ReadonlyMap<Node, number>,
  offsets: readonly number[],
  recordSize: number,
): Buffer {
  const tree = Buffer.alloc((nodes.size * recordSize) / 4);
  const recordOf = (edge: Edge): number => {
    if (edge === null) return nodes.size;
    return Array.isArray(edge) ? nodes.get(edge)! : nodes.size + 16 + offsets[edge]!;
  };
  for (const [[left, right], number] of nodes) {
    const at = (number * recordSize) / 4;
    const [a, b] = [recordOf(left), recordOf(right)];
    if (recordSize === 28) {
      tree.writeUIntBE(a & 0xff_ffff, at, 3);
      tree[at + 3] = ((a >>> 24) << 4) | (b >>> 24);
      tree.writeUIntBE(b & 0xff_ffff, at + 4, 3);
    } else {
      tree.writeUIntBE(a, at, recordSize / 8);
      tree.writeUIntBE(b, at + recordSize / 8, recordSize / 8);
    }
  }
  return tree;
}

export function encodeValue(value: MmdbValue): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([head(2, Buffer.byteLength(value)), Buffer.from(value)]);
  if (typeof value === 'boolean') return head(14, Number(value));
  if (typeof value === 'bigint') return integer(9, value);
  if (typeof value === 'number') return integer(6, BigInt(value));
  if (Array.isArray(value)) return Buffer.concat([head(11, value.length), ...value.map(encodeValue)]);
  const entries = Object.entries(value as Record<string, MmdbValue>);
  return Buffer.concat([
    head(7, entries.length),
    ...entries.flatMap(([key, each]) => [encodeValue(key), encodeValue(each)]),
  ]);
}

function integer(type: number, value: bigint): Buffer {
  const digits = value.toString(16);
  const bytes =
    value === 0n
      ? Buffer.alloc(0)
      : Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex');
  return Buffer.concat([head(type, bytes.length), bytes]);
}

function head(type: number, size: number): Buffer {
  const extended = type > 7;
  const first = extended ? 0 : type << 5;
  const more = size < 29 ? [] : size < 285 ? [size - 29] : [(size - 285) >> 8, (size - 285) & 0xff];
  const bits = size < 29 ? size : more.length + 28;
  return Buffer.from([first | bits, ...(extended ? [type - 7] : []), ...more]);
}
