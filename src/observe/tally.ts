/** What a worker counts between two messages to the main thread, so that many connections make one small message. */
import type { CounterName, HistogramName, Meter } from './connection-metrics.ts';

/** Plain data that crosses threads. */
export interface Tally {
  readonly counts: readonly {
    readonly metric: CounterName;
    readonly labels: readonly string[];
    readonly total: number;
  }[];
  readonly samples: readonly {
    readonly metric: HistogramName;
    readonly labels: readonly string[];
    readonly values: readonly number[];
  }[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function keyOf(metric: string, labels: readonly string[]): string {
  let key = metric;
  for (let i = 0; i < labels.length; i++) key += `\0${labels[i]}`;
  return key;
}

/** Bounded by the names in the policy and by how many connections end between two calls of `take`. */
export class TallyMeter implements Meter {
  #counts = new Map<string, Mutable<Tally['counts'][number]>>();
  #samples = new Map<string, Mutable<Tally['samples'][number]> & { readonly values: number[] }>();

  count(metric: CounterName, by: number, ...labels: string[]): void {
    const key = keyOf(metric, labels);
    const known = this.#counts.get(key);
    if (known) known.total += by;
    else this.#counts.set(key, { metric, labels, total: by });
  }

  observe(metric: HistogramName, value: number, ...labels: string[]): void {
    const key = keyOf(metric, labels);
    const known = this.#samples.get(key);
    if (known) known.values.push(value);
    else this.#samples.set(key, { metric, labels, values: [value] });
  }

  /** Everything counted since the last call. */
  take(): Tally {
    const tally = { counts: [...this.#counts.values()], samples: [...this.#samples.values()] };
    this.#counts = new Map();
    this.#samples = new Map();
    return tally;
  }
}
