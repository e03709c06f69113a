/**
 * Where the CPU of a handshake goes, in the edge and in a plain `node:https` server: samples of Linux `perf`, by the
 * part of the process that they fell into. Needs `perf` and the right to use it.
 */
import { rmSync } from 'node:fs';
import { cpuMicros } from './lib/cpu.ts';
import { runLoad } from './lib/load.ts';
import { PARTS, type Part, recordStacks } from './lib/perf.ts';
import { makeWorkplace, type Server, startNodeHttps, startSallyport, type Workplace } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

/** Has V8 tell what it compiled, for `perf`, which looks for it in /tmp. */
const NODE_OPTIONS = '--perf-basic-prof --interpreted-frames-native-stack';

async function withNames(start: () => Promise<Server>): Promise<Server> {
  const { NODE_OPTIONS: before } = process.env;
  process.env.NODE_OPTIONS = NODE_OPTIONS;
  try {
    return await start();
  } finally {
    if (before === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = before;
  }
}

/** Microseconds of one handshake, by part. */
async function measure(
  place: Workplace,
  server: Server,
  count: number,
): Promise<Readonly<Record<Part | 'all', number>>> {
  const load = { mode: 'handshake', count, port: server.port } as const;
  await runLoad(load);
  const file = place.file(`${server.name}.perf`);
  const before = cpuMicros(server.pid);
  const shares = await recordStacks(server.pid, file, () => runLoad(load));
  const all = (cpuMicros(server.pid) - before) / count;
  const parts = PARTS.map((part) => [part, Number((shares[part] * all).toFixed(1))]);
  return { ...Object.fromEntries(parts), all: Math.round(all) } as Record<Part | 'all', number>;
}

async function run({ handshakes }: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const place = await makeWorkplace();
  const micros: Record<string, object> = {};
  try {
    const starts = [() => startSallyport(place, { threads: 1 }), () => startNodeHttps(place)];
    for (const start of starts) {
      const server = await withNames(start);
      try {
        micros[server.name] = await measure(place, server, handshakes!);
      } finally {
        await server.stop();
        rmSync(`/tmp/perf-${server.pid}.map`, { force: true });
      }
    }
  } finally {
    place.remove();
  }
  console.table(micros);
  const rows = Object.entries(micros).map(([name, parts]) => ({ name, ...parts }));
  return { passed: true, result: { unit: 'CPU microseconds of one handshake, sampled', rows } };
}

export const bench: Bench = {
  summary: 'Where the CPU of a handshake goes, beside node:https; needs perf.',
  defaults: { handshakes: 8000 },
  run,
};
