/** The decision core as a foreign host drives it: exports, regions and nothing of src/core but the numbers. */
import * as L from '../../src/core/layout.gen.ts';
import {
  type CoreExports,
  type CoreVariant,
  instantiateCore,
  loadCoreModule,
} from '../../src/core/module.ts';

export class RawCore {
  readonly exports: CoreExports;
  readonly bytes: Buffer;
  readonly #input: number;
  readonly #message: number;
  readonly #guard: number;
  /** How much of INPUT, and at most as much of MESSAGE, is not known to hold the guard. */
  #dirty: number = L.MAX_HELLO_BYTES;

  /**
   * @param guard Stands in every byte that is not part of what is parsed, so that an answer that depends on
   * bytes past the end differs between two cores with different guards.
   */
  constructor(variant: CoreVariant, guard = 0) {
    this.exports = instantiateCore(loadCoreModule(variant));
    this.bytes = Buffer.from(this.exports.memory.buffer);
    this.#input = this.address(L.REGION_INPUT);
    this.#message = this.address(L.REGION_MESSAGE);
    this.#guard = guard;
  }

  address(region: number): number {
    return this.exports.sp_region(region);
  }

  /** A copy of `length` bytes of a region from `offset`. */
  read(region: number, offset: number, length: number): Buffer {
    const at = this.address(region) + offset;
    return Buffer.from(this.bytes.subarray(at, at + length));
  }

  write(region: number, offset: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, this.address(region) + offset);
  }

  u32(region: number, offset: number): number {
    return this.bytes.readUInt32LE(this.address(region) + offset);
  }

  latin1(region: number, offset: number, length: number): string {
    const at = this.address(region) + offset;
    return this.bytes.toString('latin1', at, at + length);
  }

  /** Writes a hello (at most `MAX_HELLO_BYTES`) to the input and parses it. */
  parse(bytes: Uint8Array, form: number, proto: number): number {
    this.place(bytes);
    return this.exports.sp_parse(bytes.length, form, proto);
  }

  /** Writes bytes to the input, with the guard behind them. */
  place(bytes: Uint8Array): void {
    this.bytes.fill(
      this.#guard,
      this.#input + bytes.length,
      this.#input + Math.max(bytes.length, this.#dirty),
    );
    this.bytes.fill(this.#guard, this.#message, this.#message + this.#dirty);
    this.bytes.set(bytes, this.#input);
    this.#dirty = bytes.length;
  }

  text(kind: number): string {
    return this.latin1(L.REGION_TEXT, 0, this.exports.sp_hello_text(kind));
  }

  /** The codes of a fact that holds a list. */
  codes(fact: number): number[] {
    const slot = fact * L.SLOT_BYTES;
    const at = this.address(L.REGION_VALUES) + this.u32(L.REGION_SLOTS, slot + L.SLOT_OFFSET_AT);
    const count = this.u32(L.REGION_SLOTS, slot + L.SLOT_LENGTH_AT) >> 1;
    return Array.from({ length: count }, (_, i) => this.bytes.readUInt16LE(at + i * 2));
  }
}
