/** The compiled decision core: a scalar build, and a twin that uses 128-bit vectors and gives the same answers. */
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
  readonly sp_build_flags: { readonly value: number };
  sp_region(id: number): number;
  sp_region_size(id: number): number;
  sp_selftest(): number;
  sp_begin(): void;
  sp_set_hello_limit(bytes: number): number;
  sp_parse(length: number, form: number, proto: number): number;
  sp_hello_text(kind: number): number;
  sp_parse_syn(length: number): number;
  sp_load_image(length: number): number;
  sp_required_facts(word: number): number;
  sp_set_fingerprints(kinds: number): void;
  sp_reserve_tables(length: number): number;
  sp_verify_tables(budget: number): number;
  sp_decide(site: number, phase: number): number;
  sp_score_batch(score: number, rows: number, columns: number, out: number): number;
  sp_leading_zero_bits(length: number): number;
  sp_solve(length: number, first: number, count: number, bits: number): number;
  sp_solve_front(length: number, high: number, first: number, count: number, bits: number): number;
  sp_sha256(length: number): number;
  sp_md5(length: number): number;
  sp_hmac_sha256(keyLength: number, length: number): number;
  sp_pow_check(count: number): number;
  sp_token_mint(): number;
  sp_token_open(now: number, lifetime: number): number;
}

// Not every set of type libraries declares WebAssembly, and this much of it is all that is used.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: {
      new (bytes: Uint8Array): CoreModule;
      customSections(module: CoreModule, name: string): ArrayBuffer[];
    };
    Instance: new (module: CoreModule) => { readonly exports: CoreExports };
    validate(bytes: Uint8Array): boolean;
  };
};

export type CoreVariant = 'scalar' | 'simd';

const FILES: Readonly<Record<CoreVariant, string>> = {
  scalar: './sallyport_core.wasm',
  simd: './sallyport_core_simd.wasm',
};

/**
 * Compiles the module beside this file; one serves any number of instances and threads. Without a variant it
 * is the SIMD twin where the engine takes it and `SALLYPORT_NO_SIMD` is not set, else the scalar build.
 * @throws Error when the file was not built (`npm run build:wasm`) or is not a module.
 */
export function loadCoreModule(variant?: CoreVariant): CoreModule {
  if (variant !== undefined) return new WebAssembly.Module(read(variant));
  if (!process.env.SALLYPORT_NO_SIMD) {
    const simd = read('simd');
    if (WebAssembly.validate(simd)) return new WebAssembly.Module(simd);
  }
  return new WebAssembly.Module(read('scalar'));
}

function read(variant: CoreVariant): Uint8Array {
  return readFileSync(new URL(FILES[variant], import.meta.url));
}

/** What a module says of itself; read from its custom sections, without running it. */
export interface CoreBuild {
  readonly abi: { readonly name: string; readonly major: number; readonly minor: number };
  /** SHA-256 of `assembly/abi/layout.json`, in hexadecimal. */
  readonly layout: string;
  /** SHA-256 of the compiler's version and the sources: the same for both variants of one build. */
  readonly id: string;
  readonly compiler: string;
  readonly flags: readonly string[];
}

/** @throws Error when a section is missing, as in a module that is not a decision core. */
export function describeCore(module: CoreModule): CoreBuild {
  const { layout, ...abi } = section(module, 'sallyport.abi');
  const { id, compiler, flags } = section(module, 'sallyport.build');
  return { abi, layout, id, compiler, flags };
}

// biome-ignore lint/suspicious/noExplicitAny: scripts/build-wasm.mjs wrote it
function section(module: CoreModule, name: string): any {
  const [bytes] = WebAssembly.Module.customSections(module, name);
  if (!bytes) throw new Error(`the module has no section ${name}; it is not a decision core of this version`);
  return JSON.parse(Buffer.from(bytes).toString());
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
