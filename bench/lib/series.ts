/** CPU of one connection to each of several servers, measured in interleaved rounds of one run. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import { type LoadRequest, runLoad } from './load.ts';
import { median } from './result.ts';
import type { Server } from './servers.ts';

/** Work that the last connections leave behind belongs to the round. */
const SETTLE_MS = 200;

export interface Series {
  readonly name: string;
  readonly server: Server;
  readonly load: Pick<LoadRequest, 'mode' | 'count'> & Partial<LoadRequest>;
}

/** CPU microseconds of one connection. @throws Error when a connection failed, or too few were made. */
async function measure({ name, server, load }: Series): Promise<number> {
  const before = cpuMicros(server.pid);
  const { done, failed, errors } = await runLoad({ ...load, port: server.port });
  await delay(SETTLE_MS);
  if (failed > 0 || done !== load.count) {
    throw new Error(`${name}: ${done} of ${load.count} connections, ${JSON.stringify(errors)}`);
  }
  return (cpuMicros(server.pid) - before) / done;
}

export interface Measured {
  /** By series, microseconds of each round. */
  readonly rounds: ReadonlyMap<string, readonly number[]>;
  /** By series, the median over the rounds. */
  readonly micros: ReadonlyMap<string, number>;
  /** Median of one series over that of another. */
  ratio(of: string, to: string): number;
}

/** Measures `rounds` times, after a round that only warms up. */
export async function measureRounds(all: readonly Series[], rounds: number): Promise<Measured> {
  const found = new Map(all.map(({ name }): [string, number[]] => [name, []]));
  for (const series of all) await measure(series);
  for (let round = 1; round <= rounds; round++) {
    for (const series of all) found.get(series.name)!.push(await measure(series));
    const line = [...found].map(([name, each]) => `${name} ${each.at(-1)!.toFixed(0)} µs`);
    console.log(`round ${round}: ${line.join(', ')}`);
  }
  const micros = new Map([...found].map(([name, each]) => [name, median(each)]));
  console.table(
    Object.fromEntries([...micros].map(([name, value]) => [name, { 'CPU µs': Math.round(value) }])),
  );
  return {
    rounds: found,
    micros,
    ratio: (of, to) => Number((micros.get(of)! / micros.get(to)!).toFixed(3)),
  };
}
