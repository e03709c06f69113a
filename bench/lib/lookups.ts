/** Look-ups of many addresses inside WebAssembly, on the core's own code. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { timeTasks } from './samples.ts';

/** Look-ups to a sample, few enough to fit between a busy machine's interruptions. */
const CALLS = 5_000;
const PAGE = 65_536;

interface LookupModule {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  base(): number;
  listed(tables: number, addresses: number, width: number, count: number): number;
  chained(tables: number, addresses: number, width: number, count: number): number;
  read(tables: number, length: number, addresses: number, width: number, count: number): number;
}

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { readonly exports: LookupModule };
  };
};

/** @param simd Builds the twin that uses 128-bit vectors. */
export function compileLookups(simd: boolean): object {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const output = join(folder, 'lookups.wasm');
  const root = fileURLToPath(new URL('../../', import.meta.url));
  try {
    execFileSync(process.execPath, [
      ...[`${root}node_modules/assemblyscript/bin/asc.js`, 'assembly/bench/lookups.ts'],
      ...['--baseDir', root, '--outFile', output],
      ...['--config', `${root}asconfig.json`, '--target', simd ? 'simd' : 'scalar'],
    ]);
    return new WebAssembly.Module(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export interface LookupTimes {
  /** One after the other, as a batch of decisions does it: the processor may overlap their reads of memory. */
  readonly lookupNs: number;
  readonly lookupMedianNs: number;
  /** Each begins when the one before it has ended. */
  readonly chainedNs: number;
  readonly chainedMedianNs: number;
  /** One random read of the tables, begun when the one before it has ended: what the memory alone takes. */
  readonly readNs: number;
  /** Share of the addresses that are in a list. */
  readonly covered: number;
}

/** Nanoseconds of one look-up of `addresses`, each of `width` bytes. */
export async function timeLookups(
  module: object,
  tables: Uint8Array,
  addresses: readonly Uint8Array[],
  options: { readonly rounds: number; readonly milliseconds: number },
): Promise<LookupTimes> {
  const { exports } = new WebAssembly.Instance(module);
  const width = addresses[0]!.length;
  const at = exports.base();
  const first = (at + tables.length + 15) & ~15;
  exports.memory.grow(Math.ceil((first + addresses.length * width) / PAGE));
  const memory = new Uint8Array(exports.memory.buffer);
  memory.set(tables, at);
  addresses.forEach((address, i) => {
    memory.set(address, first + i * width);
  });
  const turns = Math.floor(addresses.length / CALLS);
  let turn = 0;
  const nextCalls = (): number => {
    turn = (turn + 1) % turns;
    return first + turn * CALLS * width;
  };
  const [lookup, chained, read] = await timeTasks(
    [
      { name: 'look-up', calls: CALLS, run: () => void exports.listed(at, nextCalls(), width, CALLS) },
      { name: 'chained', calls: CALLS, run: () => void exports.chained(at, nextCalls(), width, CALLS) },
      {
        name: 'read',
        calls: CALLS,
        run: () => void exports.read(at, tables.length, nextCalls(), width, CALLS),
      },
    ],
    options.rounds,
    options.milliseconds,
  );
  return {
    lookupNs: lookup!.nanoseconds.best,
    lookupMedianNs: lookup!.nanoseconds.median,
    chainedNs: chained!.nanoseconds.best,
    chainedMedianNs: chained!.nanoseconds.median,
    readNs: read!.nanoseconds.best,
    covered: exports.listed(at, first, width, addresses.length) / addresses.length,
  };
}
