/** The facts, rates and draws of the connection that a decision core is looking at, as the host sets and reads them. */
import { type KeptFacts, keepFacts, restoreFacts } from './kept-facts.ts';
import * as L from './layout.gen.ts';
import { CoreMemory } from './memory.ts';
import type { CoreExports } from './module.ts';

/** UTF-16 units up to which a text is copied without an encoder. */
const SHORT_TEXT = 64;

/** What a slot holds: a number, a text, code points, strings, or the 4 or 16 bytes of an address. */
export type FactSlot = number | string | number[] | string[] | Uint8Array;

export class FactSlots {
  protected readonly memory: CoreMemory;
  protected readonly exports: CoreExports;
  readonly #values: number;
  readonly #slots: number;
  readonly #rates: number;
  readonly #draws: number;
  readonly #encoder = new TextEncoder();
  /** Where the next value of the host goes, from the start of the values region. */
  #cursor = 0;

  constructor(exports: CoreExports) {
    this.exports = exports;
    this.memory = new CoreMemory(exports);
    this.#values = exports.sp_region(L.REGION_VALUES);
    this.#slots = exports.sp_region(L.REGION_SLOTS);
    this.#rates = exports.sp_region(L.REGION_RATES);
    this.#draws = exports.sp_region(L.REGION_DRAWS);
  }

  /** Starts a connection: every fact, rate and draw is unknown. */
  begin(): void {
    this.exports.sp_begin();
    this.#cursor = 0;
  }

  #slot(fact: number, state: number): number {
    if (!(fact >= 0 && fact < L.FACT_COUNT)) throw new RangeError(`no fact ${fact}`);
    const slot = this.#slots + fact * L.SLOT_BYTES;
    this.memory.view.setUint32(slot + L.SLOT_STATE_AT, state, true);
    return slot;
  }

  /** Booleans are 0 and 1; units are those of `Atom` in pdl/ir.ts. */
  setNumber(fact: number, value: number): void {
    const slot = this.#slot(fact, L.STATE_NUMBER);
    this.memory.view.setFloat64(slot + L.SLOT_VALUE_AT, value, true);
  }

  setUnknown(fact: number): void {
    this.#slot(fact, L.STATE_UNKNOWN);
  }

  #keep(fact: number, state: number, length: number, count: number): void {
    const slot = this.#slot(fact, state);
    this.memory.view.setUint32(slot + L.SLOT_OFFSET_AT, this.#cursor, true);
    this.memory.view.setUint32(slot + L.SLOT_LENGTH_AT, length, true);
    this.memory.view.setFloat64(slot + L.SLOT_VALUE_AT, count, true);
    // Codes are read in pairs of bytes, so every value begins on an even address.
    this.#cursor += (length + 1) & ~1;
  }

  /** Is there room for a value? Without it the fact stays unknown, as a missing one. */
  #hasRoom(fact: number, length: number): boolean {
    if (this.#cursor + length <= L.MAX_HOST_VALUE_BYTES) return true;
    this.setUnknown(fact);
    return false;
  }

  setBytes(fact: number, bytes: Uint8Array): void {
    if (!this.#hasRoom(fact, bytes.length)) return;
    this.memory.bytes.set(bytes, this.#values + this.#cursor);
    this.#keep(fact, L.STATE_BYTES, bytes.length, 0);
  }

  /** As UTF-8. */
  setText(fact: number, text: string): void {
    if (text.length <= SHORT_TEXT && this.#setShort(fact, text)) return;
    const at = this.#values + this.#cursor;
    const end = Math.min(at + text.length * 3, this.#values + L.MAX_HOST_VALUE_BYTES);
    const { read, written } = this.#encoder.encodeInto(text, this.memory.bytes.subarray(at, end));
    if (read === text.length) this.#keep(fact, L.STATE_BYTES, written, 0);
    else this.setUnknown(fact);
  }

  /** Copies a short ASCII text by itself, which is faster than to ask an encoder; false for any other. */
  #setShort(fact: number, text: string): boolean {
    if (this.#cursor + text.length > L.MAX_HOST_VALUE_BYTES) return false;
    const { bytes } = this.memory;
    const at = this.#values + this.#cursor;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at + i] = code;
    }
    this.#keep(fact, L.STATE_BYTES, text.length, 0);
    return true;
  }

  /** Code points of 16 bits. */
  setList(fact: number, values: readonly number[]): void {
    if (!this.#hasRoom(fact, values.length * 2)) return;
    const at = this.#values + this.#cursor;
    for (let i = 0; i < values.length; i++) this.memory.view.setUint16(at + i * 2, values[i]!, true);
    this.#keep(fact, L.STATE_CODES, values.length * 2, values.length);
  }

  /** Strings of at most 255 bytes each, as ALPN names are. */
  setStrings(fact: number, values: readonly string[]): void {
    const list = Buffer.concat(
      values.map((value) => {
        const bytes = Buffer.from(value);
        return Buffer.from([Math.min(bytes.length, 255), ...bytes.subarray(0, 255)]);
      }),
    );
    if (!this.#hasRoom(fact, list.length)) return;
    this.memory.bytes.set(list, this.#values + this.#cursor);
    this.#keep(fact, L.STATE_STRINGS, list.length, values.length);
  }

  /** An address of 16 bytes; IPv4 in its last four. */
  setIp(fact: number, ip: Uint8Array, isV4: boolean): void {
    const length = isV4 ? 4 : 16;
    if (!this.#hasRoom(fact, length)) return;
    const at = this.#values + this.#cursor;
    for (let i = 0; i < length; i++) this.memory.bytes[at + i] = ip[16 - length + i]!;
    this.#keep(fact, isV4 ? L.STATE_IP4 : L.STATE_IP6, length, 0);
  }

  /** What a fact with a number holds, also one that the core set itself; null when it is unknown. */
  readNumber(fact: number): number | null {
    const slot = this.#slots + fact * L.SLOT_BYTES;
    if (this.memory.view.getUint32(slot + L.SLOT_STATE_AT, true) !== L.STATE_NUMBER) return null;
    return this.memory.view.getFloat64(slot + L.SLOT_VALUE_AT, true);
  }

  /** What a fact with a text holds; null when it is unknown. */
  readText(fact: number): string | null {
    const slot = this.#slots + fact * L.SLOT_BYTES;
    if (this.memory.view.getUint32(slot + L.SLOT_STATE_AT, true) !== L.STATE_BYTES) return null;
    const at = this.#values + this.memory.view.getUint32(slot + L.SLOT_OFFSET_AT, true);
    return Buffer.from(
      this.memory.bytes.buffer,
      at,
      this.memory.view.getUint32(slot + L.SLOT_LENGTH_AT, true),
    ).toString();
  }

  /** The code points of a fact with a list of them; null when it is unknown. */
  readCodes(fact: number): number[] | null {
    const { view } = this.memory;
    const slot = this.#slots + fact * L.SLOT_BYTES;
    if (view.getUint32(slot + L.SLOT_STATE_AT, true) !== L.STATE_CODES) return null;
    const at = this.#values + view.getUint32(slot + L.SLOT_OFFSET_AT, true);
    const codes: number[] = [];
    for (let i = 0; i < view.getUint32(slot + L.SLOT_LENGTH_AT, true); i += 2)
      codes.push(view.getUint16(at + i, true));
    return codes;
  }

  /** What a fact of whatever kind holds; null when it is unknown. */
  readFact(fact: number): FactSlot | null {
    const { view, bytes } = this.memory;
    const slot = this.#slots + fact * L.SLOT_BYTES;
    const at = this.#values + view.getUint32(slot + L.SLOT_OFFSET_AT, true);
    const end = at + view.getUint32(slot + L.SLOT_LENGTH_AT, true);
    switch (view.getUint32(slot + L.SLOT_STATE_AT, true)) {
      case L.STATE_NUMBER:
        return view.getFloat64(slot + L.SLOT_VALUE_AT, true);
      case L.STATE_BYTES:
        return this.readText(fact);
      case L.STATE_CODES:
        return this.readCodes(fact);
      case L.STATE_STRINGS: {
        const texts: string[] = [];
        for (let i = at; i < end; i += 1 + bytes[i]!) {
          texts.push(Buffer.from(bytes.subarray(i + 1, i + 1 + bytes[i]!)).toString());
        }
        return texts;
      }
      case L.STATE_IP4:
      case L.STATE_IP6:
        return bytes.slice(at, end);
      default:
        return null;
    }
  }

  /** A copy of every fact that is known, for a later phase of the same connection. */
  keep(): KeptFacts {
    return keepFacts(this.memory, this.#slots, this.#values, this.#cursor);
  }

  /** Starts again with the facts of a connection as they were kept; rates and draws are unknown. */
  restore(kept: KeptFacts): void {
    this.begin();
    this.#cursor = kept.cursor;
    restoreFacts(kept, this.memory, this.#slots, this.#values);
  }

  /** Rate of a counter in events per second times 1,000,000. */
  setRate(counter: number, microPerSecond: number): void {
    if (!(counter >= 0 && counter < L.MAX_COUNTERS)) throw new RangeError(`no counter ${counter}`);
    const rate = this.#rates + counter * L.RATE_BYTES;
    this.memory.view.setUint32(rate + L.RATE_KNOWN_AT, 1, true);
    this.memory.view.setFloat64(rate + L.RATE_VALUE_AT, microPerSecond, true);
  }

  /** The connection's draw of a canary, below 1,000,000. */
  setDraw(canary: number, millionths: number): void {
    if (!(canary >= 0 && canary < L.MAX_CANARIES)) throw new RangeError(`no canary ${canary}`);
    const draw = this.#draws + canary * L.RATE_BYTES;
    this.memory.view.setUint32(draw + L.RATE_KNOWN_AT, 1, true);
    this.memory.view.setFloat64(draw + L.RATE_VALUE_AT, millionths, true);
  }

  /** What `setDraw` was given for this connection, null before that. */
  drawOf(canary: number): number | null {
    const draw = this.#draws + canary * L.RATE_BYTES;
    const isKnown = this.memory.view.getUint32(draw + L.RATE_KNOWN_AT, true) === 1;
    return isKnown ? this.memory.view.getFloat64(draw + L.RATE_VALUE_AT, true) : null;
  }
}
