/** IP prefixes of many lists as one ascending run of intervals, each with the lists that hold it. */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The addresses `start` to `end` belong to list `bit`. */
export interface Prefix {
  readonly v4: boolean;
  readonly start: bigint;
  /** Inclusive. */
  readonly end: bigint;
  readonly bit: number;
}

/** The run as the core reads it: membership words, then starts (32 bits, or high halves and low halves). */
export interface Intervals {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** An address or a prefix, whose host bits are ignored; IPv4-mapped ones count as IPv4. Null when it is neither. */
export function parsePrefix(text: string, bit: number): Prefix | null {
  const slash = text.indexOf('/');
  const address = slash === -1 ? text : text.slice(0, slash);
  const v4 = isIPv4(address);
  if (!v4 && (!isIPv6(address) || address.includes('%'))) return null;
  const width = v4 ? 32 : 128;
  const suffix = slash === -1 ? String(width) : text.slice(slash + 1);
  const length = /^\d{1,3}$/.test(suffix) ? Number(suffix) : -1;
  if (length < 0 || length > width) return null;
  const value = v4 ? parseV4(address) : parseV6(address);
  const mapped = !v4 && length >= 96 && value >> 32n === 0xffffn;
  const shift = BigInt(width - length);
  const start = ((mapped ? value & 0xffff_ffffn : value) >> shift) << shift;
  return { v4: v4 || mapped, start, end: start + (1n << shift) - 1n, bit };
}

function parseV4(address: string): bigint {
  return BigInt(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0));
}

function parseV6(address: string): bigint {
  return ipaddr
    .parse(address)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Where membership of one list begins or ends. */
interface Edge {
  readonly at: bigint;
  readonly bit: number;
  readonly change: 1 | -1;
}

/** Cuts the address space at every prefix's ends; lists may overlap and nest in any way. */
export function cutIntervals(prefixes: readonly Prefix[], width: 32 | 128): Intervals {
  if (prefixes.length === 0) return { count: 0, bytes: new Uint8Array(0) };
  const edges: Edge[] = [];
  for (const { start, end, bit } of prefixes) {
    edges.push({ at: start, bit, change: 1 }, { at: end + 1n, bit, change: -1 });
  }
  edges.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const depth = new Uint32Array(64);
  const starts: bigint[] = [0n];
  const words: bigint[] = [0n];
  let word = 0n;
  for (let i = 0; i < edges.length; ) {
    const { at } = edges[i]!;
    for (; i < edges.length && edges[i]!.at === at; i++) {
      const { bit, change } = edges[i]!;
      depth[bit] = depth[bit]! + change;
      word = depth[bit] === 0 ? word & ~(1n << BigInt(bit)) : word | (1n << BigInt(bit));
    }
    if (at >> BigInt(width) !== 0n || word === words.at(-1)) continue;
    if (at === starts.at(-1)) words[words.length - 1] = word;
    else {
      starts.push(at);
      words.push(word);
    }
  }
  return { count: starts.length, bytes: write(starts, words, width) };
}

function write(starts: readonly bigint[], words: readonly bigint[], width: 32 | 128): Uint8Array {
  const count = starts.length;
  const bytes = new Uint8Array(count * (width === 32 ? 12 : 24));
  const view = new DataView(bytes.buffer);
  starts.forEach((start, i) => {
    view.setBigUint64(i * 8, words[i]!, true);
    if (width === 32) view.setUint32(count * 8 + i * 4, Number(start), true);
    else {
      view.setBigUint64(count * 8 + i * 8, start >> 64n, true);
      view.setBigUint64(count * 16 + i * 8, start & 0xffff_ffff_ffff_ffffn, true);
    }
  });
  return bytes;
}
