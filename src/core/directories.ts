/** A tree of directories over ascending starts; assembly/prefixes.ts tells how it is searched. */
import * as L from './layout.gen.ts';

export interface Directories {
  /** `NODE` structures, the root first. */
  readonly nodes: Uint8Array;
  readonly slots: Uint32Array;
}

/** Set in a slot that names a node. */
const IS_NODE = 0x8000_0000;
/** Fewer starts are walked without a directory. */
const MIN_STARTS = 8;
/** A slot with more starts inside gets a directory of its own. */
const MAX_STARTS_IN_SLOT = 16;
const STARTS_PER_SLOT = 4;
const MAX_SLOT_BITS = 20;

/** The part of the key space that a directory is for: 2^`bits` keys from `base` on. */
interface Node {
  readonly base: bigint;
  readonly bits: number;
  /** Index of the last start at or below `base`, and the last start in the space. */
  readonly from: number;
  readonly to: number;
}

/** For `count` starts, of which the first is 0 and covers everything below the second. */
export function makeDirectories(start: (index: number) => bigint, count: number): Directories {
  if (count < MIN_STARTS) return { nodes: new Uint8Array(0), slots: new Uint32Array(0) };
  const base = start(1);
  const span = start(count - 1) - base;
  const nodes: Node[] = [{ base, bits: bitsFor(span), from: 1, to: count - 1 }];
  const records: { base: bigint; firstSlot: number; slots: number; shift: number }[] = [];
  const slots: number[] = [];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    const wanted = bitsFor(BigInt(Math.ceil((node.to - node.from + 1) / STARTS_PER_SLOT)));
    const slotBits = Math.min(Math.max(wanted, 1), node.bits, MAX_SLOT_BITS);
    const shift = node.bits - slotBits;
    const size = 1n << BigInt(shift);
    records.push({ base: node.base, firstSlot: slots.length, slots: 2 ** slotBits, shift });
    let index = node.from;
    for (let slot = 0; slot < 2 ** slotBits; slot++) {
      const from = node.base + BigInt(slot) * size;
      while (index < node.to && start(index + 1) <= from) index++;
      let last = index;
      while (last < node.to && start(last + 1) < from + size) last++;
      if (last - index > MAX_STARTS_IN_SLOT && shift > 0) {
        slots.push(IS_NODE + nodes.length);
        nodes.push({ base: from, bits: shift, from: index, to: last });
      } else slots.push(index);
      index = last;
    }
  }
  const bytes = new Uint8Array(records.length * L.NODE_BYTES);
  const view = new DataView(bytes.buffer);
  records.forEach((record, index) => {
    const at = index * L.NODE_BYTES;
    view.setUint32(at + L.NODE_FIRST_SLOT_AT, record.firstSlot, true);
    view.setUint32(at + L.NODE_SLOTS_AT, record.slots, true);
    view.setUint32(at + L.NODE_SHIFT_AT, record.shift, true);
    view.setBigUint64(at + L.NODE_BASE_AT, record.base, true);
  });
  return { nodes: bytes, slots: Uint32Array.from(slots) };
}

/** Bits of a number of at least 1; 0 for 0. */
function bitsFor(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}
