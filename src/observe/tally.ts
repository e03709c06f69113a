/** What a worker counts between two messages to the main thread, so that many connections make one small message. */
import { type CounterName, HISTOGRAMS, type HistogramName, type Meter } from './connection-metrics.ts';
import { addTo, type Distribution, emptyDistribution } from './merged-histogram.ts';

interface Count {
  readonly metric: CounterName;
  readonly labels: readonly string[];
  total: number;
}

interface Sample {
  readonly metric: HistogramName;
  readonly labels: readonly string[];
  readonly distribution: Distribution;
}

/** Plain data that crosses threads. */
export interface Tally {
  readonly counts: readonly Readonly<Count>[];
  readonly samples: readonly Sample[];
}

function keyOf(metric: string, labels: readonly string[]): string {
  let key = metric;
  for (let i = 0; i < labels.length; i++) key += `\0${labels[i]}`;
  return key;
}

/** Bounded by the names in the policy. */
export class TallyMeter implements Meter {
  #counts = new Map<string, Count>();
  #samples = new Map<string, Sample>();

  count(metric: CounterName, by: number, ...labels: string[]): void {
    const key = keyOf(metric, labels);
    const known = this.#counts.get(key);
    if (known) known.total += by;
    else this.#counts.set(key, { metric, labels, total: by });
  }

  observe(metric: HistogramName, value: number, ...labels: string[]): void {
    const { buckets } = HISTOGRAMS[metric];
    const key = keyOf(metric, labels);
    let sample = this.#samples.get(key);
    if (sample === undefined) {
      sample = { metric, labels, distribution: emptyDistribution(buckets) };
      this.#samples.set(key, sample);
    }
    addTo(sample.distribution, buckets, value);
  }

  /** Everything counted since the last call. */
  take(): Tally {
    const tally = { counts: [...this.#counts.values()], samples: [...this.#samples.values()] };
    this.#counts = new Map();
    this.#samples = new Map();
    return tally;
  }
}
