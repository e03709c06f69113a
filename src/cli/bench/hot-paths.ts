/** The paths that decide how much traffic a machine carries. */
import { openBatchPool } from '../../batch/batch-pool.ts';
import { Core } from '../../core/core.ts';
import { PHASE_HELLO } from '../../core/layout.gen.ts';
import { loadCoreModule } from '../../core/module.ts';
import { statusName } from '../../core/status.ts';
import type { Bundle } from '../../orchestrator/bundle.ts';
import { FACT } from '../../orchestrator/facts.ts';
import type { Path } from './measure.ts';

const HASHED_BYTES = 65_536;
const BATCH_ROWS = 8_192;
const BATCH_HELLOS = 1_024;
const CHECKED_PROOFS = 128;
const SOLVED_NONCES = 10_000;
/** No nonce has so many zero bits, so every one is tried. */
const NEVER = 200;
const SITE = { main: 0, lookup: 1 } as const;

export interface HotPaths {
  readonly paths: readonly Path[];
  close(): Promise<void>;
}

/** `prefixes` is how many the bundle's feed has; with 0 threads no pool is measured. */
export function hotPaths(bundle: Bundle, hello: Uint8Array, prefixes: number, threads: number): HotPaths {
  const core = new Core(loadCoreModule());
  for (const status of [core.loadTables(bundle.tables), core.loadImage(bundle.image)]) {
    if (status < 0) throw new Error(`the core refuses the benchmark's policy: ${statusName(status)}`);
  }
  const inline = openBatchPool({ bundle, threads: 0 });
  const pool = threads === 0 ? null : openBatchPool({ bundle, threads });
  const paths = [
    ...helloPaths(core, hello),
    lookup(core, prefixes),
    ...scorePaths(core, bundle),
    ...hashPaths(core),
    batch('analyse hellos in a batch, on this thread', inline, hello),
    ...(pool === null ? [] : [batch(`analyse hellos in a batch, over ${threads} threads`, pool, hello)]),
  ];
  return { paths, close: async () => void (await Promise.all([inline.close(), pool?.close()])) };
}

const IP = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 7);

function helloPaths(core: Core, hello: Uint8Array): Path[] {
  const parse = (): void => {
    core.begin();
    core.parse(hello, 0, hello.length, 'records', 'tls');
  };
  const sized = `hello of ${hello.length} bytes`;
  return [
    { name: 'parse, JA3 and JA4', unit: sized, operations: 1, run: parse },
    { name: 'JA3 text', unit: 'parsed hello', operations: 1, run: () => void core.hello.ja3 },
    { name: 'JA4 text', unit: 'parsed hello', operations: 1, run: () => void core.hello.ja4r },
    {
      name: 'decide, 100 rules and 16 signals',
      unit: 'parsed hello',
      operations: 1,
      run: () => void core.decide(SITE.main, PHASE_HELLO),
    },
    {
      name: 'full decision: parse, JA3, JA4, decide',
      unit: sized,
      operations: 1,
      run: () => {
        parse();
        core.setIp(FACT.ip, IP, true);
        core.decide(SITE.main, PHASE_HELLO);
      },
    },
  ];
}

/** A decision that does nothing but look an address up; every call another one. */
function lookup(core: Core, prefixes: number): Path {
  const ip = Uint8Array.from(IP);
  let state = 1;
  const run = (): void => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    ip[12] = state >>> 24;
    ip[13] = state >>> 16;
    ip[14] = state >>> 8;
    core.begin();
    core.setIp(FACT.ip, ip, true);
    core.decide(SITE.lookup, PHASE_HELLO);
  };
  return {
    name: 'decide by address alone',
    unit: `${prefixes.toLocaleString('en')} prefixes`,
    operations: 1,
    run,
  };
}

function scorePaths(core: Core, { program }: Bundle): Path[] {
  const { signals } = program.scores[0]!;
  const places = new Int32Array(signals.length);
  const place = (rows: number): number => {
    let at = (signals.length * 4 + 7) & ~7;
    signals.forEach(({ ramp }, index) => {
      places[index] = at;
      at += (rows * (ramp === undefined ? 1 : 8) + 7) & ~7;
    });
    core.batch.set(new Uint8Array(places.buffer));
    core.batch.fill(1, signals.length * 4, at);
    return at;
  };
  const scoring = (rows: number): (() => void) => {
    const out = place(rows);
    return () => {
      const status = core.scoreBatch(0, rows, 0, out);
      if (status !== 0) throw new Error(statusName(status));
    };
  };
  return [
    {
      name: 'score one client',
      unit: `${signals.length} signals`,
      operations: 1,
      run: later(() => scoring(1)),
    },
    {
      name: 'score clients in a batch',
      unit: `${signals.length} signals`,
      operations: BATCH_ROWS,
      run: later(() => scoring(BATCH_ROWS)),
    },
  ];
}

/** Made when it is first run: the paths share the core's memory. */
function later(make: () => () => void): () => void {
  let run: (() => void) | null = null;
  return () => {
    run ??= make();
    run();
  };
}

function hashPaths(core: Core): Path[] {
  const block = new Uint8Array(HASHED_BYTES).fill(7);
  const solution = Buffer.from('v1.aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789.MTcwMDAwMDAwMA:184467');
  const prefix = solution.subarray(0, 48);
  const solutions = Array.from({ length: CHECKED_PROOFS }, () => solution);
  const zeroBits = new Uint16Array(CHECKED_PROOFS);
  return [
    { name: 'SHA-256', unit: 'byte', operations: HASHED_BYTES, run: () => void core.leadingZeroBits(block) },
    {
      name: 'check a proof of work',
      unit: `${solution.length} bytes`,
      operations: 1,
      run: () => void core.leadingZeroBits(solution),
    },
    {
      name: 'check proofs of work in a batch',
      unit: `${solution.length} bytes`,
      operations: CHECKED_PROOFS,
      run: () => void core.leadingZeroBitsOf(solutions, zeroBits),
    },
    {
      name: 'solve a proof of work',
      unit: 'nonce',
      operations: SOLVED_NONCES,
      run: () => void core.solve(prefix, 0, SOLVED_NONCES, NEVER),
    },
  ];
}

function batch(name: string, pool: ReturnType<typeof openBatchPool>, hello: Uint8Array): Path {
  const hellos = Array.from({ length: BATCH_HELLOS }, () => hello);
  const run = async (): Promise<void> => void (await pool.analyzeBatch(hellos));
  return { name, unit: `hello, ${BATCH_HELLOS} in a batch`, operations: BATCH_HELLOS, run };
}
