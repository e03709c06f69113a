/**
 * Policy reloads under load: handshakes at a steady rate, held connections, and SIGHUP again and again. No
 * handshake may fail and no held connection may be lost.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type LoadReport, startLoad } from './lib/load.ts';
import { policyOfRules } from './lib/policies.ts';
import { percentile } from './lib/result.ts';
import { makeWorkplace, startSallyport } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

function summarise({ done, failed, errors, latencies }: LoadReport): object {
  return { done, failed, errors, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { seconds, rate, held, reloads, threads, rules } = options as {
    [name: string]: number;
  } & BenchOptions;
  const place = await makeWorkplace();
  if (rules! > 0) place.write('policy.pdl', policyOfRules(rules!));
  const edge = await startSallyport(place, { threads: threads! });
  try {
    const holders = startLoad({ mode: 'hold', port: edge.port, count: held! });
    await holders.holding;
    const phase = async (each: () => Promise<void>): Promise<LoadReport> => {
      const load = startLoad({ mode: 'rate', port: edge.port, perSecond: rate! });
      await each();
      load.stop();
      return load.report;
    };
    const quiet = await phase(() => delay(seconds! * 1000));
    const reloading = await phase(async () => {
      for (let turn = 0; turn < reloads!; turn++) {
        edge.child.kill('SIGHUP');
        await delay((seconds! * 1000) / reloads!);
      }
    });
    holders.stop();
    const { lost, failed } = await holders.report;
    const p99 = [quiet, reloading].map(({ latencies }) => percentile(latencies, 0.99)!);
    const passed = edge.child.exitCode === null && reloading.failed === 0 && quiet.failed === 0 && lost === 0;
    const result = {
      withoutReloads: summarise(quiet),
      withReloads: summarise(reloading),
      p99Ratio: p99[1]! / p99[0]!,
      held: { asked: held!, lost, failed },
      passed,
    };
    console.log(result);
    return { passed, result };
  } finally {
    await edge.stop();
    place.remove();
  }
}

export const bench: Bench = {
  summary: 'Reloads under load: no handshake fails, no held connection is lost.',
  defaults: { seconds: 20, rate: 200, held: 1000, reloads: 100, threads: 2, rules: 0 },
  run,
};
