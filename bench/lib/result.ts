/** Results on disk, with the machine they hold for: a number without its machine says nothing. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

/** First line a program prints of its version; null when it is not installed. */
export function versionOf(program: string, flag: string): string | null {
  try {
    return execFileSync(program, [flag], { encoding: 'utf8' }).split('\n', 1)[0]!.trim();
  } catch {
    return null;
  }
}

function describeMachine(): object {
  const cores = cpus();
  return {
    cpu: cores[0]?.model ?? 'unknown',
    cores: cores.length,
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    // The mean of the last minute; more than the benchmark's own threads means that others took part.
    load: Math.round(loadavg()[0]! * 10) / 10,
    kernel: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    openssl: process.versions.openssl,
    haproxy: versionOf('haproxy', '-v'),
  };
}

/** Returns the file's path. */
export function saveResult(name: string, options: object, result: object): string {
  const folder = fileURLToPath(new URL('../results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const file = `${folder}${name}.json`;
  const content = { bench: name, machine: describeMachine(), options, result };
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  return file;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a share of `quantile` (0 to 1) does not exceed; null of nothing. */
export function percentile(values: readonly number[], quantile: number): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(quantile * sorted.length) - 1)] ?? null;
}
