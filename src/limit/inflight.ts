/**
 * Handshakes under way in the whole process, and under each policy: counts that all workers share, and a row of
 * each worker's own, by which what a lost worker had under way is given back.
 */

/** Policies that are counted by themselves; the handshakes of more share the last count. */
const POLICIES = 1_024;
/** Words of one row: all handshakes, then those of each policy. */
const ROW = 1 + POLICIES;
const ALL = 0;

/** The counts of the process: the names' hashes, then one row. */
export function createInflight(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * (POLICIES + ROW));
}

/** What one worker has under way. */
export function createInflightRow(): SharedArrayBuffer {
  return new SharedArrayBuffer(4 * ROW);
}

/** FNV-1a, never 0. */
function hashName(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash | 0 || 1;
}

export class Inflight {
  readonly #words: Int32Array;
  readonly #row: Int32Array;
  readonly #slots = new Map<string, number>();

  /** @param memory From `createInflight`. @param row From `createInflightRow`, of the worker that this counts for. */
  constructor(memory: SharedArrayBuffer, row: SharedArrayBuffer) {
    this.#words = new Int32Array(memory);
    this.#row = new Int32Array(row);
  }

  /** Handshakes under way in the process. */
  get all(): number {
    return Atomics.load(this.#words, POLICIES + ALL);
  }

  /** Place of a policy's count; the same for its name in every thread and over reloads. */
  #slotOf(policy: string): number {
    const known = this.#slots.get(policy);
    if (known !== undefined) return known;
    const hash = hashName(policy);
    let slot = (hash >>> 0) % POLICIES;
    for (let tries = 0; tries < POLICIES; tries++, slot = (slot + 1) % POLICIES) {
      const holder = Atomics.compareExchange(this.#words, slot, 0, hash);
      if (holder === 0 || holder === hash) break;
    }
    this.#slots.set(policy, 1 + slot);
    return 1 + slot;
  }

  #raise(place: number, limit: number): boolean {
    const at = POLICIES + place;
    for (;;) {
      const count = Atomics.load(this.#words, at);
      if (count >= limit) return false;
      if (Atomics.compareExchange(this.#words, at, count, count + 1) !== count) continue;
      Atomics.add(this.#row, place, 1);
      return true;
    }
  }

  #lower(place: number): void {
    Atomics.sub(this.#words, POLICIES + place, 1);
    Atomics.sub(this.#row, place, 1);
  }

  /**
   * Counts a handshake in when fewer than `overall` are under way, and fewer than `own` under its policy: null.
   * Else nothing is counted, and it answers which of the two is reached.
   */
  enter(policy: string, overall: number, own: number): 'overall' | 'own' | null {
    if (!this.#raise(ALL, overall)) return 'overall';
    if (this.#raise(this.#slotOf(policy), own)) return null;
    this.#lower(ALL);
    return 'own';
  }

  leave(policy: string): void {
    this.#lower(ALL);
    this.#lower(this.#slotOf(policy));
  }

  /** Gives back what this worker had under way. Called only once its thread is gone. */
  forget(): void {
    for (let place = 0; place < ROW; place++) {
      const had = Atomics.exchange(this.#row, place, 0);
      if (had !== 0) Atomics.sub(this.#words, POLICIES + place, had);
    }
  }
}
