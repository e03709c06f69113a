/**
 * A worker is lost every few seconds under load. The connections it carried are lost with it, each with
 * its audit line; nobody else may notice.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startLoad } from './lib/load.ts';
import { makeWorkplace, startSallyport } from './lib/servers.ts';
import type { Bench, BenchOptions } from './main.ts';

const AUDIT = 'audit.jsonl';
/** The audit lines of the last connections may still be on their way. */
const SETTLE_MS = 1_000;

function countLost(file: string): number {
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return lines.filter((line) => {
    const { event } = JSON.parse(line) as { readonly event: { readonly action: string } };
    return event.action === 'worker_lost';
  }).length;
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const { seconds, every, rate, held, threads } = options as { [name: string]: number } & BenchOptions;
  const place = await makeWorkplace();
  const script = new URL('./lib/killable-edge.ts', import.meta.url);
  const edge = await startSallyport(place, { threads: threads!, audit: AUDIT, script });
  try {
    const holders = startLoad({ mode: 'hold', port: edge.port, count: held! });
    await holders.holding;
    const load = startLoad({ mode: 'rate', port: edge.port, perSecond: rate! });
    let kills = 0;
    for (let passed = 0; passed < seconds!; passed += every!, kills++) {
      await delay(every! * 1000);
      edge.child.kill('SIGUSR2');
    }
    await delay(SETTLE_MS);
    load.stop();
    holders.stop();
    const [loaded, kept] = await Promise.all([load.report, holders.report]);
    await delay(SETTLE_MS);
    const workerLost = countLost(place.file(AUDIT));
    const noticed = loaded.failed + kept.failed + kept.lost;
    const passed = edge.child.exitCode === null && noticed <= workerLost;
    const result = {
      kills,
      handshakes: loaded.done + kept.done,
      noticedByClients: { failedHandshakes: loaded.failed + kept.failed, heldLost: kept.lost },
      errors: loaded.errors,
      workerLostLines: workerLost,
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
  summary: 'A worker lost every few seconds: only its own connections go with it.',
  defaults: { seconds: 20, every: 2, rate: 100, held: 200, threads: 2 },
  run,
};
