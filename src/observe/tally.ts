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

/** What is found by the values of labels, one after the other: their texts are never put together. */
interface Branch<Found> {
  found: Found | null;
  readonly next: Map<string, Branch<Found>>;
}

function branch<Found>(): Branch<Found> {
  return { found: null, next: new Map() };
}

function step<Found>(from: Branch<Found>, label: string): Branch<Found> {
  let next = from.next.get(label);
  if (next === undefined) {
    next = branch();
    from.next.set(label, next);
  }
  return next;
}

function walk<Found>(from: Branch<Found>, metric: string, labels: readonly string[]): Branch<Found> {
  let at = step(from, metric);
  for (let i = 0; i < labels.length; i++) at = step(at, labels[i]!);
  return at;
}

/** Bounded by the names in the policy. */
export class TallyMeter implements Meter {
  #counts: Count[] = [];
  #samples: Sample[] = [];
  #countOf = branch<Count>();
  #sampleOf = branch<Sample>();

  count(metric: CounterName, by: number, ...labels: string[]): void {
    const at = walk(this.#countOf, metric, labels);
    if (at.found !== null) {
      at.found.total += by;
      return;
    }
    at.found = { metric, labels, total: by };
    this.#counts.push(at.found);
  }

  observe(metric: HistogramName, value: number, ...labels: string[]): void {
    const { buckets } = HISTOGRAMS[metric];
    const at = walk(this.#sampleOf, metric, labels);
    if (at.found === null) {
      at.found = { metric, labels, distribution: emptyDistribution(buckets) };
      this.#samples.push(at.found);
    }
    addTo(at.found.distribution, buckets, value);
  }

  /** Everything counted since the last call. */
  take(): Tally {
    const tally = { counts: this.#counts, samples: this.#samples };
    this.#counts = [];
    this.#samples = [];
    this.#countOf = branch();
    this.#sampleOf = branch();
    return tally;
  }
}
