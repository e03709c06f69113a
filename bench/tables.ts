/**
 * A million prefixes: building them, what loading them does to an event loop, and looking addresses up, for each
 * family and with origins. Look-ups run inside WebAssembly, on the core's own code.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Core } from '../src/core/core.ts';
import { loadTablesGradually } from '../src/core/load-tables.ts';
import { loadCoreModule } from '../src/core/module.ts';
import { encodeTables, type OriginPrefix } from '../src/core/tables.ts';
import type { Program } from '../src/pdl/ir.ts';
import { address, type Family, prefix, random } from './lib/prefixes.ts';
import { programWithRules } from './lib/rules.ts';
import { timeTasks } from './lib/samples.ts';
import type { Bench, BenchOptions } from './main.ts';

/** Addresses that are looked up in turns: what they touch does not fit a processor's first caches. */
const ADDRESSES = 200_000;
/** Look-ups to a sample, few enough to fit between a busy machine's interruptions. */
const CALLS = 5_000;
const PAGE = 65_536;

interface LookupModule {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  base(): number;
  touched(tables: number, length: number, addresses: number, width: number, count: number): number;
  listed(tables: number, addresses: number, width: number, count: number): number;
}

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object;
    Instance: new (module: object) => { readonly exports: LookupModule };
  };
};

function compileLookups(): object {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  const output = join(folder, 'lookups.wasm');
  const root = fileURLToPath(new URL('../', import.meta.url));
  try {
    execFileSync(process.execPath, [
      ...[`${root}node_modules/assemblyscript/bin/asc.js`, 'assembly/bench/lookups.ts'],
      ...['--baseDir', root, '--outFile', output],
      ...['--runtime', 'stub', '--use', 'abort=', '-O3', '--converge', '--noAssert'],
    ]);
    return new WebAssembly.Module(readFileSync(output));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A program with one feed of addresses. */
function feedProgram(): Program {
  const source = {
    name: 'addresses',
    source: 'file',
    path: 'addresses.txt',
    declaredIn: 'bench.pdl',
  } as const;
  const life = { refreshMs: null, maxAgeMs: null, onStale: 'keep', maxEntries: 1e9 } as const;
  const feed = { type: 'cidr', ...source, ...life } as const;
  return { ...programWithRules(0), tables: [{ kind: 'cidr', feed: 0 }], feeds: [feed] };
}

function origins(count: number): OriginPrefix[] {
  const next = random(2);
  return Array.from({ length: count }, () => ({
    prefix: prefix('v4', next),
    asn: 1 + Math.floor(next() * 80_000),
    country: String.fromCharCode(65 + Math.floor(next() * 26), 65 + Math.floor(next() * 26)),
  }));
}

interface Stall {
  /** The longest time between two turns of a loop that does nothing but load, and the processor's part of it. */
  readonly longestTurnMs: number;
  readonly longestTurnCpuMs: number;
  /** The longest time between two turns of a loop that does nothing, for as long: the machine's own part. */
  readonly longestIdleTurnMs: number;
  readonly loadMs: number;
}

/** Longest turns until `isDone`. */
async function watchTurns(isDone: () => boolean): Promise<{ wallMs: number; cpuMs: number }> {
  let wallMs = 0;
  let cpuMs = 0;
  let last = performance.now();
  let lastCpu = process.threadCpuUsage();
  while (!isDone()) {
    await nextTurn();
    const now = performance.now();
    const cpu = process.threadCpuUsage();
    wallMs = Math.max(wallMs, now - last);
    cpuMs = Math.max(cpuMs, (cpu.user + cpu.system - lastCpu.user - lastCpu.system) / 1e3);
    last = now;
    lastCpu = cpu;
  }
  return { wallMs, cpuMs };
}

async function loadStall(tables: Uint8Array): Promise<Stall> {
  const core = new Core(loadCoreModule());
  // The engine compiles what loading runs on the first time.
  await loadTablesGradually(core, encodeTables(feedProgram(), new Map([[0, ['10.0.0.0/8']]])));
  let done = false;
  const started = performance.now();
  const loading = loadTablesGradually(core, tables).finally(() => {
    done = true;
  });
  const { wallMs, cpuMs } = await watchTurns(() => done);
  const loadMs = performance.now() - started;
  if ((await loading) !== 0) throw new Error('the tables were refused');
  const idle = await watchTurns(() => performance.now() > started + 2 * loadMs);
  return { longestTurnMs: wallMs, longestTurnCpuMs: cpuMs, longestIdleTurnMs: idle.wallMs, loadMs };
}

async function timeLookups(
  module: object,
  tables: Uint8Array,
  family: Family,
  options: BenchOptions,
): Promise<{ lookupNs: number; lookupMedianNs: number; randomReadNs: number }> {
  const { exports } = new WebAssembly.Instance(module);
  const width = family === 'v4' ? 4 : 16;
  const at = exports.base();
  const addresses = (at + tables.length + 15) & ~15;
  exports.memory.grow(Math.ceil((addresses + ADDRESSES * width) / PAGE));
  const memory = new Uint8Array(exports.memory.buffer);
  memory.set(tables, at);
  const next = random(3);
  for (let i = 0; i < ADDRESSES; i++) memory.set(address(family, next), addresses + i * width);
  let turn = 0;
  const nextCalls = (): number => {
    turn = (turn + 1) % (ADDRESSES / CALLS);
    return addresses + turn * CALLS * width;
  };
  const [lookup, memoryRead] = await timeTasks(
    [
      { name: 'look-up', calls: CALLS, run: () => void exports.listed(at, nextCalls(), width, CALLS) },
      {
        name: 'random read',
        calls: CALLS,
        run: () => void exports.touched(at, tables.length, nextCalls(), width, CALLS),
      },
    ],
    options.rounds!,
    options.milliseconds!,
  );
  return {
    lookupNs: lookup!.nanoseconds.best,
    lookupMedianNs: lookup!.nanoseconds.median,
    randomReadNs: memoryRead!.nanoseconds.best,
  };
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const module = compileLookups();
  const result: Record<string, object> = {};
  for (const [name, family, withOrigins] of [
    ['IPv4', 'v4', false],
    ['IPv6', 'v6', false],
    ['IPv4 with origins', 'v4', true],
  ] as const) {
    const next = random(1);
    const members = Array.from({ length: options.prefixes! }, () => prefix(family, next));
    const from = withOrigins ? origins(options.prefixes! / 2) : [];
    const started = performance.now();
    const tables = encodeTables(feedProgram(), new Map([[0, members]]), from);
    const buildMs = performance.now() - started;
    const stall = await loadStall(tables);
    const lookup = await timeLookups(module, tables, family, options);
    const megabytes = tables.length / 1e6;
    result[name] = { buildMs, megabytes, ...stall, ...lookup };
  }
  console.table(result);
  return { passed: true, result };
}

export const bench: Bench = {
  summary: 'Building, loading and searching a million prefixes.',
  defaults: { prefixes: 1_000_000, rounds: 5, milliseconds: 200 },
  run,
};
