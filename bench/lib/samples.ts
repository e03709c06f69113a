/** Timing of calls that are shorter than a clock's reading: many to a sample, the tasks of one run in turns. */
import { Bench as Tinybench } from 'tinybench';

export interface Timing {
  readonly name: string;
  /** Of one call: the fastest and the median sample. */
  readonly nanoseconds: { readonly best: number; readonly median: number };
}

export interface Task {
  readonly name: string;
  /** Calls made by one `run`. */
  readonly calls: number;
  readonly run: () => void | Promise<void>;
}

/**
 * The best of a noisy machine's rounds is what a task costs; the median is what that machine gave. `afterRound` is for
 * what is timed in another process.
 */
export async function timeTasks(
  tasks: readonly Task[],
  rounds: number,
  milliseconds: number,
  afterRound: () => void = () => {},
): Promise<Timing[]> {
  const found = tasks.map(() => ({ best: Number.POSITIVE_INFINITY, medians: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    const bench = new Tinybench({ time: milliseconds, warmupTime: round === 0 ? 200 : 20 });
    for (const { name, run } of tasks) bench.add(name, run);
    await bench.run();
    bench.tasks.forEach(({ name, result }, index) => {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
      const scale = 1e6 / tasks[index]!.calls;
      found[index]!.best = Math.min(found[index]!.best, result.latency.min * scale);
      found[index]!.medians.push(result.latency.p50 * scale);
    });
    afterRound();
  }
  return tasks.map(({ name }, index) => {
    const { best, medians } = found[index]!;
    medians.sort((a, b) => a - b);
    return { name, nanoseconds: { best, median: medians[medians.length >> 1]! } };
  });
}
