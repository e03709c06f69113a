/**
 * A million prefixes: building them, what loading them does to an event loop, and looking addresses up, for each
 * family and with origins. Look-ups run inside WebAssembly, on the core's own code.
 */

import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Core } from '../src/core/core.ts';
import { loadTablesGradually } from '../src/core/load-tables.ts';
import { loadCoreModule } from '../src/core/module.ts';
import { encodeTables, type OriginPrefix } from '../src/core/tables.ts';
import type { Program } from '../src/pdl/ir.ts';
import { compileLookups, timeLookups } from './lib/lookups.ts';
import { address, addressIn, type Family, prefix, random } from './lib/prefixes.ts';
import { programWithRules } from './lib/rules.ts';
import type { Bench, BenchOptions } from './main.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Addresses that are looked up in turns: what they touch does not fit a processor's first caches. */
const ADDRESSES = 200_000;

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

/** As in databases of origins: 80,000 autonomous systems, each in one country, or in two. */
function origins(count: number): OriginPrefix[] {
  const next = random(2);
  return Array.from({ length: count }, () => {
    const asn = 1 + Math.floor(next() * 80_000);
    const code = (asn + (next() < 0.1 ? 1 : 0)) % 250;
    const country = String.fromCharCode(65 + Math.floor(code / 26), 65 + (code % 26));
    return { prefix: prefix('v4', next), asn, country };
  });
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
  // why: an edge worker has not built the tables itself, so what the builder leaves behind is not its to clear away.
  collectGarbage();
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

/** What an edge may see: half of the addresses are of some member, the others anywhere. */
function visitors(family: Family, members: readonly string[]): Uint8Array[] {
  const next = random(3);
  return Array.from({ length: ADDRESSES }, () =>
    next() < 0.5 ? addressIn(members[Math.floor(next() * members.length)]!, next) : address(family, next),
  );
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const modules = { scalar: compileLookups(false), simd: compileLookups(true) };
  const { rounds, milliseconds } = options as { rounds: number; milliseconds: number };
  const built: object[] = [];
  const lookups: object[] = [];
  for (const [name, family, withOrigins] of [
    ['IPv4', 'v4', false],
    ['IPv6', 'v6', false],
    ['IPv4 with origins', 'v4', true],
  ] as const) {
    const next = random(1);
    const members = Array.from({ length: options.prefixes! }, () => prefix(family, next));
    const from = withOrigins ? origins(options.prefixes! / 2) : [];
    const started = performance.now();
    const before = process.cpuUsage();
    const tables = encodeTables(feedProgram(), new Map([[0, members]]), from);
    const buildMs = performance.now() - started;
    const { user, system } = process.cpuUsage(before);
    const buildCpuMs = (user + system) / 1e3;
    built.push({ name, buildMs, buildCpuMs, megabytes: tables.length / 1e6, ...(await loadStall(tables)) });
    const addresses = visitors(family, members);
    for (const [variant, module] of Object.entries(modules)) {
      const times = await timeLookups(module, tables, addresses, { rounds, milliseconds });
      lookups.push({ name: `${name}, ${variant}`, ...times });
    }
  }
  console.table(built);
  console.table(lookups);
  return { passed: true, result: { built, lookups } };
}

export const bench: Bench = {
  summary: 'Building, loading and searching a million prefixes.',
  defaults: { prefixes: 1_000_000, rounds: 5, milliseconds: 200 },
  run,
};
