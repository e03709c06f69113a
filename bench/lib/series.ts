/** CPU of one connection to each of several servers, measured in interleaved rounds of one run. */
import { setTimeout as delay } from 'node:timers/promises';
import { cpuMicros } from './cpu.ts';
import { type LoadRequest, runLoad } from './load.ts';
import { median } from './result.ts';
import { makeWorkplace, type Server, type Workplace } from './servers.ts';

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

/** CPU microseconds of one connection to each of several servers. */
export interface Comparison {
  readonly unit: string;
  /** By series, the median over the rounds. */
  readonly micros: Readonly<Record<string, number>>;
  /** Medians of one series over those of another, by `ONE / OTHER`. */
  readonly ratios: Readonly<Record<string, number>>;
  /** By series, each round. */
  readonly rounds: Readonly<Record<string, readonly number[]>>;
}

/** Measures `rounds` times, after a round that only warms up. `of` says what is counted, as in `one handshake`. */
export async function compare(
  all: readonly Series[],
  rounds: number,
  of: string,
  pairs: readonly (readonly [string, string])[],
): Promise<Comparison> {
  const found = new Map(all.map(({ name }): [string, number[]] => [name, []]));
  for (const series of all) await measure(series);
  for (let round = 1; round <= rounds; round++) {
    for (const series of all) found.get(series.name)!.push(await measure(series));
    const line = [...found].map(([name, each]) => `${name} ${each.at(-1)!.toFixed(0)} µs`);
    console.log(`round ${round}: ${line.join(', ')}`);
  }
  const micros = new Map([...found].map(([name, each]) => [name, median(each)]));
  const ratio = (one: string, other: string): number =>
    Number((micros.get(one)! / micros.get(other)!).toFixed(3));
  const ratios = Object.fromEntries(pairs.map(([one, other]) => [`${one} / ${other}`, ratio(one, other)]));
  console.table(
    Object.fromEntries([...micros].map(([name, value]) => [name, { 'CPU µs': Math.round(value) }])),
  );
  console.table(ratios);
  return {
    unit: `CPU microseconds (user and system, whole process tree) of ${of}; medians over rounds`,
    micros: Object.fromEntries(micros),
    ratios,
    rounds: Object.fromEntries(found),
  };
}

/** Starts servers in a workplace of their own, compares them and stops them; `start` adds them one by one. */
export async function compareServers(
  start: (place: Workplace, into: Series[]) => Promise<void>,
  ...how: [rounds: number, of: string, pairs: readonly (readonly [string, string])[]]
): Promise<Comparison> {
  const place = await makeWorkplace();
  const all: Series[] = [];
  try {
    await start(place, all);
    return await compare(all, ...how);
  } finally {
    for (const { server } of all) await server.stop();
    place.remove();
  }
}
