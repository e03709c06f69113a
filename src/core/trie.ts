/**
 * Cuts of address spaces as the decision core searches them; assembly/prefixes.ts tells the form. A look-up ends in one
 * cell, and what it costs is to bring that into the processor's cache: so keys are as narrow as their cell allows.
 */
import { ByteWriter } from './byte-writer.ts';
import * as L from './layout.gen.ts';

/**
 * Ascending keys, the first of them 0; from each one on addresses have its value: the index of a leaf or, with
 * IS_LOW, that of a part of the cuts of low halves.
 */
export interface Cuts {
  /**
   * Keys take at least so many bytes, as a power of two: where few cells could do with fewer, it is worth more that
   * the processor can tell the width beforehand.
   */
  readonly leastKeyWidth: 1 | 2;
  readonly keys: BigUint64Array;
  readonly values: Uint32Array;
  readonly count: number;
}

export interface LowCuts extends Cuts {
  /** First cut, which is at 0, and number of cuts of each part. */
  readonly parts: readonly (readonly [first: number, count: number])[];
}

export interface EncodedTrie {
  /** References: to a leaf, a node or a cell. */
  readonly highRoot: number;
  readonly flatRoot: number;
  /** `NODE` structures. */
  readonly highNodes: Uint8Array;
  readonly flatNodes: Uint8Array;
  readonly slots: Uint8Array;
  readonly firstFlatSlot: number;
  readonly cells: Uint8Array;
}

/** The cuts `from` to `to` (which is not among them) of a space that begins at `origin`, where `before` holds. */
interface Space {
  readonly cuts: Cuts;
  readonly origin: bigint;
  readonly before: number;
  readonly from: number;
  readonly to: number;
}

/** Set in a value that names a part of the low cuts. */
export const IS_LOW = 0x8000_0000;
const IS_NODE = 0x8000_0000;
const IS_CELL = 0x4000_0000;
/** Indexes of leaves are below; so are those of nodes, and the cells' offsets in units. */
export const MAX_REFERENCE = 0x4000_0000;
const CELL_UNIT = 2;
/** Keys are compared a word at a time, so highest ones fill the last word. */
const WORD_BYTES = 8;
/** How many cuts a slot holds on average, at most; fewer where that makes its keys narrower. */
const CUTS_PER_SLOT = 16;
/** Slots that are looked at beyond the least number of them, as a power of two. */
const MORE_SLOT_BITS = 4;
const MAX_SLOT_BITS = 22;

/** Encodes the cuts over high halves (IPv6), the parts over low halves that they name, and the flat ones (IPv4). */
export function encodeTrie(high: Cuts, low: LowCuts, flat: Cuts): EncodedTrie {
  return new TrieWriter(low).encode(high, flat);
}

class TrieWriter {
  readonly #low: LowCuts;
  readonly #slots = new ByteWriter();
  readonly #cells = new ByteWriter();
  /** Nodes over high halves, whose cells may lead on to low halves, and all others, in the order of their slots. */
  readonly #high: Space[] = [];
  readonly #flat: Space[] = [];

  constructor(low: LowCuts) {
    this.#low = low;
  }

  encode(high: Cuts, flat: Cuts): EncodedTrie {
    const highRoot = this.#reference(wholeSpace(high), this.#high);
    const flatRoot = this.#reference(wholeSpace(flat), this.#flat);
    const highNodes = this.#encodeNodes(this.#high);
    const firstFlatSlot = this.#slots.length / 4;
    const flatNodes = this.#encodeNodes(this.#flat);
    const { content: slots } = this.#slots;
    return { highRoot, flatRoot, highNodes, flatNodes, slots, firstFlatSlot, cells: this.#cells.content };
  }

  /** A leaf, a cell that is written now, or a node that waits in `nodes` for its turn. */
  #reference(space: Space, nodes: Space[]): number {
    const { before, from, to } = space;
    if (from === to && before < IS_LOW) return before;
    if (to - from > L.MAX_CELL_KEYS) return IS_NODE + nodes.push(space) - 1;
    return this.#addCell(space);
  }

  /** Grows `nodes` while it goes: those behind are the children of those before. */
  #encodeNodes(nodes: Space[]): Uint8Array {
    const encoded = new ByteWriter();
    for (let i = 0; i < nodes.length; i++) this.#addNode(encoded, nodes[i]!, nodes);
    return encoded.content;
  }

  #addNode(encoded: ByteWriter, space: Space, nodes: Space[]): void {
    const { cuts, from, to } = space;
    // Only a leaf can be told without a cell, so what comes before the first cut is left out only then.
    const base = space.before < IS_LOW ? cuts.keys[from]! : space.origin;
    const { shift, count } = chooseSlots(cuts.keys[to - 1]! - base, to - from);
    const at = encoded.skip(L.NODE_BYTES);
    const firstSlot = this.#slots.length / 4;
    encoded.write(at + L.NODE_FIRST_SLOT_AT, 4, firstSlot);
    encoded.write(at + L.NODE_SLOTS_AT, 4, count);
    encoded.write(at + L.NODE_SHIFT_AT, 4, shift);
    encoded.write(at + L.NODE_BELOW_AT, 4, space.before < IS_LOW ? space.before : 0);
    encoded.writeLong(at + L.NODE_BASE_AT, base - space.origin);
    const slots = this.#slots.skip(count * 4);
    let { before } = space;
    let next = from;
    for (let slot = 0; slot < count; slot++) {
      const origin = base + (BigInt(slot) << BigInt(shift));
      const end = base + (BigInt(slot + 1) << BigInt(shift));
      if (next < to && cuts.keys[next] === origin) before = cuts.values[next++]!;
      const first = next;
      while (next < to && cuts.keys[next]! < end) next++;
      const reference = this.#reference({ cuts, origin, before, from: first, to: next }, nodes);
      this.#slots.write(slots + slot * 4, 4, reference);
      if (next > first) before = cuts.values[next - 1]!;
    }
  }

  /** Keys from the space's origin on, then values: from the origin, and from each key on. */
  #addCell({ cuts, origin, before, from, to }: Space): number {
    const keys: bigint[] = [];
    let bits = 0n;
    for (let i = from; i < to; i++) {
      const key = cuts.keys[i]! - origin;
      keys.push(key);
      bits |= key;
    }
    const shift = bits === 0n ? 0 : trailingZeros(bits);
    const keyWidth = Math.max(widthOf((keys.at(-1) ?? 0n) >> BigInt(shift)), cuts.leastKeyWidth);
    const values = [before, ...cuts.values.subarray(from, to)];
    const leaves = values.filter((value) => value < IS_LOW);
    const lows = values.filter((value) => value >= IS_LOW);
    // The top bit of a value tells that it is the place of a reference behind the values.
    const width = Math.max(0, ...leaves) < 0x80 ? 0 : Math.max(...leaves) < 0x8000 ? 1 : 2;
    const stored = keys.map((key) => key >> BigInt(shift));
    const highest = (1n << BigInt(8 << keyWidth)) - 1n;
    while ((stored.length << keyWidth) % WORD_BYTES !== 0) stored.push(highest);
    const bytes = L.CELL_BYTES + (stored.length << keyWidth) + (values.length << width) + lows.length * 4;
    const cell = this.#cells.skip(Math.ceil(bytes / CELL_UNIT) * CELL_UNIT);
    this.#cells.write(cell, 2, keys.length | (keyWidth << 6) | (shift << 8) | (width << 14));
    let at = cell + L.CELL_BYTES;
    for (const key of stored) {
      if (keyWidth === 3) this.#cells.writeLong(at, key);
      else this.#cells.write(at, 1 << keyWidth, Number(key));
      at += 1 << keyWidth;
    }
    let place = 0;
    for (const value of values) {
      this.#cells.write(at, 1 << width, value < IS_LOW ? value : 2 ** ((8 << width) - 1) + place++);
      at += 1 << width;
    }
    for (const value of lows) {
      const [first, count] = this.#low.parts[value - IS_LOW]!;
      const part = { cuts: this.#low, origin: 0n, before: this.#low.values[first]! };
      const reference = this.#reference({ ...part, from: first + 1, to: first + count }, this.#flat);
      this.#cells.write(at, 4, reference);
      at += 4;
    }
    return IS_CELL + cell / CELL_UNIT;
  }
}

function wholeSpace(cuts: Cuts): Space {
  return { cuts, origin: 0n, before: cuts.values[0]!, from: 1, to: cuts.count };
}

/** The number of slots, a power of two, with which `count` cuts over `span` keys take the fewest bytes. */
function chooseSlots(span: bigint, count: number): { shift: number; count: number } {
  const bits = bitsOf(span);
  const least = Math.max(1, bitsOf(BigInt(Math.ceil(count / CUTS_PER_SLOT) - 1)));
  let best = { bytes: Number.POSITIVE_INFINITY, slotBits: 1 };
  for (
    let slotBits = least;
    slotBits <= Math.min(least + MORE_SLOT_BITS, MAX_SLOT_BITS, Math.max(bits, 1));
    slotBits++
  ) {
    const keyBits = Math.max(bits - slotBits, 1);
    const keyBytes = keyBits <= 16 ? 2 : keyBits <= 32 ? 4 : 8;
    const slots = 2 ** slotBits;
    const bytes = slots * 4 + Math.min(slots, count) * L.CELL_BYTES + count * keyBytes;
    if (bytes < best.bytes) best = { bytes, slotBits };
  }
  const slotBits = Math.min(best.slotBits, Math.max(bits, 1));
  return { shift: Math.max(bits - slotBits, 0), count: 2 ** slotBits };
}

/** 1, 2 or 3: keys of 2, 4 or 8 bytes. */
function widthOf(key: bigint): number {
  return key <= 0xffffn ? 1 : key <= 0xffff_ffffn ? 2 : 3;
}

function bitsOf(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/** Of a number above 0. */
function trailingZeros(value: bigint): number {
  return bitsOf(value & -value) - 1;
}
