/**
 * The facts of one connection outside of the decision core, which holds those of one connection at a time: what was
 * known at the ClientHello waits here for the client's certificate and its requests.
 */
import * as L from './layout.gen.ts';
import type { CoreMemory } from './memory.ts';

/** Facts as the core had them, whatever image is in force when they come back. About 1 KiB for a usual hello. */
export interface KeptFacts {
  /** Known facts: for each its index (4 bytes), its slot, and its bytes if it has any. */
  readonly bytes: Uint8Array;
  /** Bytes that the host had used for values. */
  readonly cursor: number;
}

const INDEX_BYTES = 4;

/** Has the slot a value outside of itself? */
function hasBytes(state: number): boolean {
  return state !== L.STATE_UNKNOWN && state !== L.STATE_NUMBER;
}

/** Copies the known facts. `slots` and `values` are the addresses of the core's regions. */
export function keepFacts(memory: CoreMemory, slots: number, values: number, cursor: number): KeptFacts {
  const { view } = memory;
  let size = 0;
  for (let fact = 0; fact < L.FACT_COUNT; fact++) {
    const slot = slots + fact * L.SLOT_BYTES;
    const state = view.getUint32(slot + L.SLOT_STATE_AT, true);
    if (state === L.STATE_UNKNOWN) continue;
    size +=
      INDEX_BYTES + L.SLOT_BYTES + (hasBytes(state) ? view.getUint32(slot + L.SLOT_LENGTH_AT, true) : 0);
  }
  const bytes = new Uint8Array(size);
  const kept = new DataView(bytes.buffer);
  let at = 0;
  for (let fact = 0; fact < L.FACT_COUNT; fact++) {
    const slot = slots + fact * L.SLOT_BYTES;
    const state = view.getUint32(slot + L.SLOT_STATE_AT, true);
    if (state === L.STATE_UNKNOWN) continue;
    kept.setUint32(at, fact, true);
    bytes.set(memory.bytes.subarray(slot, slot + L.SLOT_BYTES), at + INDEX_BYTES);
    at += INDEX_BYTES + L.SLOT_BYTES;
    if (!hasBytes(state)) continue;
    const from = values + view.getUint32(slot + L.SLOT_OFFSET_AT, true);
    const length = view.getUint32(slot + L.SLOT_LENGTH_AT, true);
    bytes.set(memory.bytes.subarray(from, from + length), at);
    at += length;
  }
  return { bytes, cursor };
}

/** Puts kept facts where they were. Every fact must be unknown before. */
export function restoreFacts({ bytes }: KeptFacts, memory: CoreMemory, slots: number, values: number): void {
  const kept = new DataView(bytes.buffer);
  for (let at = 0; at < bytes.length; ) {
    const slot = slots + kept.getUint32(at, true) * L.SLOT_BYTES;
    const from = at + INDEX_BYTES;
    memory.bytes.set(bytes.subarray(from, from + L.SLOT_BYTES), slot);
    at = from + L.SLOT_BYTES;
    if (!hasBytes(kept.getUint32(from + L.SLOT_STATE_AT, true))) continue;
    const length = kept.getUint32(from + L.SLOT_LENGTH_AT, true);
    const offset = kept.getUint32(from + L.SLOT_OFFSET_AT, true);
    memory.bytes.set(bytes.subarray(at, at + length), values + offset);
    at += length;
  }
}
