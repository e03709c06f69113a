/** The decision core alone: parsing and deciding one ClientHello, single-threaded. */
import { Bench as Tinybench } from 'tinybench';
import { Core } from '../src/core/core.ts';
import { loadCoreModule } from '../src/core/module.ts';
import { captureHello } from '../test/support/hello.ts';
import { compileBenchPolicy } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const bundle = await compileBenchPolicy();
  const core = new Core(loadCoreModule());
  for (const status of [core.loadTables(bundle.tables), core.loadImage(bundle.image)]) {
    if (status < 0) throw new Error(`the core refused the policy: ${status}`);
  }
  const hellos = {
    'post-quantum': await captureHello({ ecdhCurve: 'X25519MLKEM768:X25519' }),
    classical: await captureHello({ ecdhCurve: 'X25519' }),
  };
  const bench = new Tinybench({ time: options.milliseconds! });
  for (const [name, hello] of Object.entries(hellos)) {
    const parse = (): void => {
      core.begin();
      core.parse(hello, 0, hello.length, 'records', 'tls');
    };
    bench.add(`parse ${name}, ${hello.length} bytes`, parse);
    bench.add(`parse and decide ${name}`, () => {
      parse();
      core.decide(0, 1);
    });
    bench.add(`parse, decide and read JA4 ${name}`, () => {
      parse();
      core.decide(0, 1);
      if (core.hello.ja4 === '') throw new Error('no JA4');
    });
  }
  await bench.run();
  console.table(bench.table());
  const tasks = bench.tasks.map(({ name, result }) => {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    return { name, microseconds: { mean: result.latency.mean * 1e3, p99: result.latency.p99 * 1e3 } };
  });
  return { passed: true, result: { tasks } };
}

export const bench: Bench = {
  summary: 'Parsing and deciding one ClientHello in the core.',
  defaults: { milliseconds: 1000 },
  run,
};
