/** A Prometheus histogram that is filled by whole distributions, since workers count into buckets by themselves. */
import type { Registry } from 'prom-client';

/** Values by bucket. The last of `counts` is of what is above every bound. */
export interface Distribution {
  readonly counts: number[];
  sum: number;
}

export function emptyDistribution(bounds: readonly number[]): Distribution {
  return { counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 };
}

/** Counts one value. `bounds` rise; each is inclusive, as Prometheus has it. */
export function addTo(distribution: Distribution, bounds: readonly number[], value: number): void {
  let bucket = 0;
  while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
  distribution.counts[bucket]!++;
  distribution.sum += value;
}

interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly total: Distribution;
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

export interface HistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Names of the labels. */
  readonly labels: readonly string[];
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

export class MergedHistogram {
  readonly name: string;
  readonly #options: HistogramOptions;
  readonly #series = new Map<string, Series>();

  constructor(options: HistogramOptions, registry: Registry) {
    this.name = options.name;
    this.#options = options;
    // why: a registry asks a metric for no more than `name` and `get`; its type wants one of the library's classes.
    registry.registerMetric(this as unknown as Parameters<Registry['registerMetric']>[0]);
  }

  /** Adds a distribution over the same buckets. @param values Of the labels, in their order. */
  merge(values: readonly string[], { counts, sum }: Distribution): void {
    const { total } = this.#find(values);
    for (let i = 0; i < counts.length; i++) total.counts[i]! += counts[i]!;
    total.sum += sum;
  }

  #find(values: readonly string[]): Series {
    const key = values.join('\0');
    let series = this.#series.get(key);
    if (series === undefined) {
      const labels = Object.fromEntries(this.#options.labels.map((label, index) => [label, values[index]!]));
      series = { labels, total: emptyDistribution(this.#options.buckets) };
      this.#series.set(key, series);
    }
    return series;
  }

  /** In prom-client's form; buckets are cumulative. */
  async get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: 'histogram';
    readonly aggregator: 'sum';
    readonly values: readonly Sample[];
  }> {
    const { name, help, labels } = this.#options;
    // why: without labels there is one series, and it is there from the start.
    if (labels.length === 0) this.#find([]);
    const values = [...this.#series.values()].flatMap((series) => this.#samples(series));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }

  #samples({ labels, total }: Series): Sample[] {
    const { name, buckets } = this.#options;
    let count = 0;
    const samples: Sample[] = total.counts.map((inBucket, index) => {
      count += inBucket;
      const le = buckets[index] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
    });
    samples.push({ metricName: `${name}_sum`, labels, value: total.sum });
    samples.push({ metricName: `${name}_count`, labels, value: count });
    return samples;
  }
}
