/** The memory of one decision core. It grows when tables are loaded, and then is looked at through new views. */
import type { CoreExports } from './module.ts';

export class CoreMemory {
  bytes: Uint8Array;
  view: DataView;
  readonly #exports: CoreExports;

  constructor(exports: CoreExports) {
    this.#exports = exports;
    this.bytes = new Uint8Array(exports.memory.buffer);
    this.view = new DataView(exports.memory.buffer);
  }

  /** To be called after whatever may have let the memory grow. */
  refresh(): void {
    const { buffer } = this.#exports.memory;
    if (this.bytes.buffer === buffer) return;
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }
}
