/** The memory of one decision core. It grows when tables are loaded, and then is looked at through new views. */
import type { CoreExports } from './module.ts';

export class CoreMemory {
  bytes: Uint8Array;
  view: DataView;
  #text: Buffer;
  readonly #exports: CoreExports;

  constructor(exports: CoreExports) {
    this.#exports = exports;
    this.bytes = new Uint8Array(exports.memory.buffer);
    this.view = new DataView(exports.memory.buffer);
    this.#text = Buffer.from(exports.memory.buffer);
  }

  /** To be called after whatever may have let the memory grow. */
  refresh(): void {
    const { buffer } = this.#exports.memory;
    if (this.bytes.buffer === buffer) return;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
    this.#text = Buffer.from(buffer);
  }

  /** The text of bytes that are ASCII, or anything else as Latin-1. */
  latin1(at: number, length: number): string {
    return this.#text.toString('latin1', at, at + length);
  }
}
