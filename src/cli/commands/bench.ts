/** `sallyport bench`: how fast the hot paths are on this machine. */
import { availableParallelism, cpus } from 'node:os';
import { hotPaths } from '../bench/hot-paths.ts';
import { type Measured, measure } from '../bench/measure.ts';
import { sampleBundle, sampleHello } from '../bench/sample.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, useColor } from '../output.ts';
import { packageVersion } from '../package.ts';
import { Progress } from '../progress.ts';
import { painter } from '../style.ts';

export interface BenchOptions {
  /** Milliseconds for each path. */
  readonly time: string;
  /** Prefixes in the table that addresses are looked up in. */
  readonly prefixes: string;
  readonly threads?: string;
  readonly format?: Format;
}

const MAX_PREFIXES = 1_000_000;

/** Measures each path in turn. */
export async function bench(options: BenchOptions): Promise<number> {
  const milliseconds = whole('--time', options.time, 10, 60_000);
  const prefixes = whole('--prefixes', options.prefixes, 1, MAX_PREFIXES);
  const threads = whole('--threads', options.threads ?? String(availableParallelism()), 0, 256);
  const { paths, close } = hotPaths(sampleBundle(prefixes), await sampleHello(), prefixes, threads);
  const progress = new Progress('paths measured', paths.length);
  const measured: Measured[] = [];
  for (const path of paths) {
    measured.push(await measure(path, milliseconds));
    progress.step();
  }
  progress.end();
  await close();
  print(measured, chooseFormat(options.format));
  return EXIT.ok;
}

/** @throws CliError for anything but an integer from `least` to `most`. */
function whole(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) {
    throw new CliError(`${flag} must be an integer from ${least} to ${most}, not ${text}`, EXIT.usage);
  }
  return value;
}

function machine(): {
  readonly cpu: string;
  readonly cores: number;
  readonly node: string;
  readonly sallyport: string;
} {
  const cores = cpus();
  return {
    sallyport: packageVersion(),
    node: process.versions.node,
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
  };
}

function print(measured: readonly Measured[], format: Format): void {
  if (format === 'json') {
    const paths = measured.map(({ name, unit, operationsPerSecond, nanoseconds, spread, rounds }) => ({
      ...{ name, unit, ops_per_second: Math.round(operationsPerSecond), nanoseconds: round(nanoseconds) },
      ...{ spread: round(spread), rounds },
    }));
    process.stdout.write(`${JSON.stringify({ machine: machine(), paths })}\n`);
    return;
  }
  const { cpu, cores, node, sallyport } = machine();
  const paint = painter(useColor(process.stdout));
  const rows = measured.map((each) => [
    each.name,
    each.unit,
    `${scaled(each.operationsPerSecond, ['', ' k', ' M', ' G'])}/s`,
    duration(each.nanoseconds),
    `± ${Math.round(each.spread * 100)} %`,
  ]);
  process.stdout.write(`sallyport ${sallyport}, node ${node}, ${cpu}, ${cores} cores\n\n`);
  process.stdout.write(table(['path', 'one is', 'throughput', 'each takes', 'spread'], rows, paint));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** Three significant digits and the factor of 1,000 that suits them. */
function scaled(value: number, factors: readonly string[]): string {
  let power = 0;
  let rest = value;
  while (rest >= 999.5 && power < factors.length - 1) {
    rest /= 1_000;
    power++;
  }
  return `${rest.toPrecision(3)}${factors[power]}`;
}

function duration(nanoseconds: number): string {
  return scaled(nanoseconds, [' ns', ' µs', ' ms', ' s']);
}

/** The first two columns are text, the others numbers. */
function table(
  head: readonly string[],
  rows: readonly string[][],
  paint: ReturnType<typeof painter>,
): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [paint('bold', line(head)), ...rows.map(line)].map((text) => `${text}\n`).join('');
}
