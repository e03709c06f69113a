/**
 * How fast one path is. Not tinybench, which reads the clock around every call: some paths here take less time
 * than that reading does, so whole rounds are timed.
 */

export interface Path {
  /** What is done, as a person would say it. */
  readonly name: string;
  /** What one operation is, where the name does not say it. */
  readonly unit: string;
  /** Operations in one call of `run`. */
  readonly operations: number;
  readonly run: () => void | Promise<void>;
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly operationsPerSecond: number;
  /** Of the median round. */
  readonly nanoseconds: number;
  /** Half of the distance between the 10th and the 90th percentile of the rounds, in parts of the median. */
  readonly spread: number;
  readonly rounds: number;
}

/** Long enough that reading the clock does not count. */
const ROUND_MS = 10;
const MIN_ROUNDS = 5;

/** Measures for `milliseconds`, after as long a warm-up as the engine needs to optimise. */
export async function measure(path: Path, milliseconds: number): Promise<Measured> {
  const calls = await warmUp(path, milliseconds / 4);
  const rounds: number[] = [];
  const end = performance.now() + milliseconds;
  while (rounds.length < MIN_ROUNDS || performance.now() < end) rounds.push(await time(path, calls));
  rounds.sort((a, b) => a - b);
  const at = (share: number): number => rounds[Math.floor(share * (rounds.length - 1))]!;
  const nanoseconds = (at(0.5) * 1e6) / (calls * path.operations);
  return {
    name: path.name,
    unit: path.unit,
    operationsPerSecond: 1e9 / nanoseconds,
    nanoseconds,
    spread: (at(0.9) - at(0.1)) / 2 / at(0.5),
    rounds: rounds.length,
  };
}

/** Returns how many calls make a round. */
async function warmUp(path: Path, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds;
  let calls = 1;
  for (;;) {
    const took = await time(path, calls);
    if (took < ROUND_MS) calls *= 2;
    else if (performance.now() >= end) return calls;
  }
}

/** Milliseconds that `calls` calls take. */
async function time({ run }: Path, calls: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < calls; i++) {
    const pending = run();
    if (pending !== undefined) await pending;
  }
  return performance.now() - start;
}
