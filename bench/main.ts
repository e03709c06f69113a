/**
 * Runs benchmarks by name: `npm run bench -- handshake --rounds 5`. Without a name it lists them. Results
 * are printed and written to `bench/results/<name>.json` and to docs/benchmarks.md.
 */
import { parseArgs } from 'node:util';
import { updateDocument } from './lib/report.ts';
import { saveResult } from './lib/result.ts';

/** Numbers given as `--name value`; each benchmark has its own defaults. */
export type BenchOptions = Readonly<Record<string, number>>;

export interface Bench {
  readonly summary: string;
  readonly defaults: BenchOptions;
  /** Returns what is saved; `passed` false makes the process fail. */
  run(options: BenchOptions): Promise<{ readonly passed: boolean; readonly result: object }>;
}

const BENCHES: Readonly<Record<string, () => Promise<{ readonly bench: Bench }>>> = {
  batch: () => import('./batch.ts'),
  clients: () => import('./clients.ts'),
  core: () => import('./core.ts'),
  decision: () => import('./decision.ts'),
  'feed-refresh': () => import('./feed-refresh.ts'),
  floods: () => import('./floods.ts'),
  handshake: () => import('./handshake.ts'),
  hashes: () => import('./hashes.ts'),
  history: () => import('./history.ts'),
  hostile: () => import('./hostile.ts'),
  policy: () => import('./policy.ts'),
  profile: () => import('./profile.ts'),
  refuse: () => import('./refuse.ts'),
  puzzle: () => import('./puzzle.ts'),
  reload: () => import('./reload.ts'),
  'score-batch': () => import('./score-batch.ts'),
  tables: () => import('./tables.ts'),
  where: () => import('./where.ts'),
  'worker-kill': () => import('./worker-kill.ts'),
};

function readOptions(bench: Bench, args: readonly string[]): BenchOptions {
  const names = Object.keys(bench.defaults);
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options });
  return Object.fromEntries(names.map((name) => [name, Number(values[name] ?? bench.defaults[name])]));
}

async function main([name, ...args]: readonly string[]): Promise<void> {
  const load = name === undefined ? undefined : BENCHES[name];
  if (load === undefined || name === undefined) {
    for (const [each, open] of Object.entries(BENCHES)) {
      const { bench } = await open();
      const flags = Object.entries(bench.defaults).map(([flag, value]) => `--${flag} ${value}`);
      console.log(`${each.padEnd(12)} ${bench.summary} ${flags.join(' ')}`);
    }
    process.exitCode = name === undefined ? 0 : 2;
    return;
  }
  const { bench } = await load();
  const options = readOptions(bench, args);
  const { passed, result } = await bench.run(options);
  console.log(`saved to ${saveResult(name, options, result)}`);
  updateDocument();
  if (!passed) process.exitCode = 1;
}

await main(process.argv.slice(2));
