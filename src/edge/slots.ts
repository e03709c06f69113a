/**
 * The open connections of one worker, in memory that outlives the worker. When a worker is lost, the
 * main thread still can write the audit line of every connection that went with it.
 */

/** Bytes of one slot: address 16, start 8, port 2, listener 1, state 1, file descriptor 4. */
export const SLOT_BYTES = 32;

const OFFSET = { ip: 0, startedAtMs: 16, port: 24, listener: 26, state: 27, fd: 28 } as const;
const NO_FD = -1;
const CROWDED = 0.9;

export interface LostConnection {
  readonly ip: Uint8Array;
  readonly port: number;
  readonly startedAtMs: number;
  /** Index of the listener in the configuration. */
  readonly listener: number;
  /** A descriptor nobody but the lost worker knew of and that must be closed; -1: none. */
  readonly fd: number;
}

export class ConnectionSlots {
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #free: Int32Array;
  #freeCount: number;

  /** `memory` holds a multiple of `SLOT_BYTES`; a new worker on the same memory starts with all slots free. */
  constructor(memory: SharedArrayBuffer) {
    const capacity = Math.floor(memory.byteLength / SLOT_BYTES);
    this.#view = new DataView(memory);
    this.#bytes = new Uint8Array(memory);
    this.#free = new Int32Array(capacity);
    for (let i = 0; i < capacity; i++) this.#free[i] = capacity - 1 - i;
    this.#freeCount = capacity;
  }

  get open(): number {
    return this.#free.length - this.#freeCount;
  }

  /** Are nine tenths of the slots taken? */
  get isCrowded(): boolean {
    return this.open >= this.#free.length * CROWDED;
  }

  /** Takes a slot; -1 when the worker is at its connection limit. */
  take(ip: Uint8Array, port: number, listener: number, startedAtMs: number): number {
    if (this.#freeCount === 0) return -1;
    const slot = this.#free[--this.#freeCount]!;
    const base = slot * SLOT_BYTES;
    this.#bytes.set(ip, base + OFFSET.ip);
    this.#view.setFloat64(base + OFFSET.startedAtMs, startedAtMs, true);
    this.#view.setUint16(base + OFFSET.port, port, true);
    this.#bytes[base + OFFSET.listener] = listener;
    this.#view.setInt32(base + OFFSET.fd, NO_FD, true);
    this.#bytes[base + OFFSET.state] = 1;
    return slot;
  }

  /** Notes whom a proxy speaks for. */
  setClient(slot: number, ip: Uint8Array, port: number): void {
    this.#bytes.set(ip, slot * SLOT_BYTES + OFFSET.ip);
    this.#view.setUint16(slot * SLOT_BYTES + OFFSET.port, port, true);
  }

  /** Notes a descriptor that no Node handle owns (tarpits), or -1 once one does. */
  holdDescriptor(slot: number, fd: number): void {
    this.#view.setInt32(slot * SLOT_BYTES + OFFSET.fd, fd, true);
  }

  release(slot: number): void {
    this.#bytes[slot * SLOT_BYTES + OFFSET.state] = 0;
    this.#free[this.#freeCount++] = slot;
  }
}

/** Open connections of the whole process, counted across workers. */
export class SharedCount {
  readonly #count: Int32Array;
  readonly #limit: number;

  /** `memory` holds 4 bytes. */
  constructor(memory: SharedArrayBuffer, limit: number) {
    this.#count = new Int32Array(memory);
    this.#limit = limit;
  }

  get value(): number {
    return Atomics.load(this.#count, 0);
  }

  /** Is nine tenths of the limit reached? */
  get isCrowded(): boolean {
    return this.value >= this.#limit * CROWDED;
  }

  /** Counts one in; false when it is over the limit. Every call is paired with one of `leave`. */
  enter(): boolean {
    return Atomics.add(this.#count, 0, 1) < this.#limit;
  }

  /** Counts `count` out: one connection, or all that a lost worker had. */
  leave(count = 1): void {
    Atomics.sub(this.#count, 0, count);
  }
}

/** What a lost worker left open; empties the memory. Call only once the worker is gone. */
export function collectLost(memory: SharedArrayBuffer): LostConnection[] {
  const view = new DataView(memory);
  const bytes = new Uint8Array(memory);
  const lost: LostConnection[] = [];
  for (let base = 0; base + SLOT_BYTES <= memory.byteLength; base += SLOT_BYTES) {
    if (bytes[base + OFFSET.state] !== 1) continue;
    lost.push({
      ip: bytes.slice(base + OFFSET.ip, base + OFFSET.ip + 16),
      port: view.getUint16(base + OFFSET.port, true),
      startedAtMs: view.getFloat64(base + OFFSET.startedAtMs, true),
      listener: bytes[base + OFFSET.listener]!,
      fd: view.getInt32(base + OFFSET.fd, true),
    });
    bytes[base + OFFSET.state] = 0;
  }
  return lost;
}
