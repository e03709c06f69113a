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

  constructor(variant: CoreVariant) {
    this.exports = instantiateCore(loadCoreModule(variant));
    this.bytes = Buffer.from(this.exports.memory.buffer);
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

  /** Parses with `guard` in every byte of the input region after the hello's. */
  parse(bytes: Uint8Array, form: number, proto: number, guard = 0): number {
    const input = this.address(L.REGION_INPUT);
    this.bytes.fill(guard, input + bytes.length, input + L.MAX_INPUT_BYTES);
    this.bytes.set(bytes, input);
    return this.exports.sp_parse(bytes.length, form, proto);
  }

  text(kind: number): string {
    const length = this.exports.sp_hello_text(kind);
    return this.read(L.REGION_TEXT, 0, length).toString('latin1');
  }
}
