/** The compiled decision core. */
import { readFileSync } from 'node:fs';
import { ABI_VERSION } from './layout.gen.ts';

/** Major version in the upper 16 bits, minor in the lower. */
export const CORE_ABI: number = ABI_VERSION;

/** A compiled module; opaque, and can be posted to other threads. */
export interface CoreModule {
  readonly [Symbol.toStringTag]: string;
}

/** Functions the module exports; docs/abi.md describes them. */
export interface CoreExports {
  /** `buffer` is another one after the memory grew. */
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly sp_abi_version: { readonly value: number };
  sp_region(id: number): number;
  sp_region_size(id: number): number;
  sp_selftest(): number;
  sp_begin(): void;
  sp_set_hello_limit(bytes: number): number;
  sp_parse(length: number, form: number, proto: number): number;
  sp_hello_text(kind: number): number;
  sp_parse_syn(length: number): number;
  sp_load_image(length: number): number;
  sp_reserve_tables(length: number): number;
  sp_verify_tables(budget: number): number;
  sp_decide(site: number, phase: number): number;
  sp_leading_zero_bits(length: number): number;
  sp_solve(length: number, first: number, count: number, bits: number): number;
}

// Not every set of type libraries declares WebAssembly, and this much of it is all that is used.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => CoreModule;
    Instance: new (module: CoreModule) => { readonly exports: CoreExports };
  };
};

/**
 * Compiles the module beside this file. One module serves any number of instances and threads.
 * @throws Error when the file was not built (`npm run build:wasm`) or is not a module.
 */
export function loadCoreModule(): CoreModule {
  return new WebAssembly.Module(readFileSync(new URL('./sallyport_core.wasm', import.meta.url)));
}

/**
 * An instance of its own, with its own memory.
 * @throws Error when the module speaks another major ABI version.
 */
export function instantiateCore(module: CoreModule): CoreExports {
  const { exports } = new WebAssembly.Instance(module);
  const version = exports.sp_abi_version.value;
  if (version >> 16 !== CORE_ABI >> 16 || version < CORE_ABI) {
    throw new Error(`the decision core has ABI ${version >> 16}.${version & 0xffff}; rebuild it`);
  }
  return exports;
}
