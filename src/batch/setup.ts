/** What every batch worker of a pool works with. */
import type { CoreModule } from '../core/module.ts';
import type { Program } from '../pdl/ir.ts';

export interface BatchPolicy {
  readonly program: Program;
  readonly image: Uint8Array;
  readonly tables: Uint8Array;
  /** Index of the site that decides; -1: the one that claims the hello's server name. */
  readonly site: number;
}

export interface BatchSetup {
  readonly module: CoreModule;
  /** The pool's blocks, one after the other. */
  readonly memory: SharedArrayBuffer;
  readonly maxHelloBytes: number;
  readonly policy: BatchPolicy | null;
}
