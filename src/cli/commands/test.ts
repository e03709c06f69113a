/** `sallyport test`: runs the tests in policies, many files at a time, once or after every change. */
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Piscina } from 'piscina';
import { startBatchWorkers } from '../../batch/workers.ts';
import type { CompileOutcome, CompileRequest } from '../../orchestrator/compile-policy.ts';
import { Report } from '../../pdl/diagnostics/diagnostic.ts';
import { parse } from '../../pdl/syntax/parse.ts';
import { CliError, EXIT } from '../exit.ts';
import { printDiagnostics, useColor } from '../output.ts';
import { policyFiles, shownPath } from '../policy-files.ts';
import { Progress } from '../progress.ts';
import { painter } from '../style.ts';
import {
  failedIn,
  humanReport,
  humanSummary,
  jsonReport,
  junitReport,
  type TestedFile,
} from '../test-report.ts';

export type TestFormat = 'human' | 'json' | 'junit';

export interface TestOptions {
  readonly format?: TestFormat;
  /** Only tests whose sentence holds this text. */
  readonly name?: string;
  readonly watch?: true;
  /** Each test on both sides of the canaries. */
  readonly canary?: true;
}

/** An editor saves in several steps. */
const SETTLE_MS = 80;

/** Exit code 1 when a test failed or a policy could not be compiled, 2 when there is nothing to test. */
export async function test(paths: readonly string[], options: TestOptions): Promise<number> {
  const format = options.format ?? (process.stdout.isTTY ? 'human' : 'json');
  const pool = startBatchWorkers(availableParallelism());
  try {
    if (options.watch === true) return await watchAndTest(pool, paths, options, format);
    const { ok } = await testOnce(pool, paths, options, format);
    return ok ? EXIT.ok : EXIT.problem;
  } finally {
    await pool.destroy();
  }
}

interface Round {
  readonly ok: boolean;
  /** Folders of everything that was read. */
  readonly folders: ReadonlySet<string>;
}

async function testOnce(
  pool: Piscina,
  paths: readonly string[],
  { name, canary }: TestOptions,
  format: TestFormat,
): Promise<Round> {
  const files = filesWithTests(paths);
  const start = performance.now();
  const progress = new Progress('policies tested', files.length);
  const folders = new Set<string>();
  const runs = files.map(async (file) => {
    const began = performance.now();
    const outcome = await compileInPool(pool, file, canary === true);
    progress.step();
    for (const source of outcome.sources.keys()) folders.add(dirname(source));
    return { outcome, tested: testedFile(file, outcome, name, performance.now() - began) };
  });
  const done = await Promise.all(runs);
  progress.end();
  const tested = done.map((each) => each.tested);
  if (name !== undefined && tested.every(({ results, problems }) => results.length + problems.length === 0)) {
    throw new CliError(`no test has "${name}" in its name`, EXIT.usage);
  }
  for (const { outcome, tested: file } of done) {
    if (format !== 'junit') printDiagnostics(file.problems, outcome.sources, format);
  }
  tell(tested, format, performance.now() - start);
  return { ok: tested.every((file) => failedIn(file) === 0), folders };
}

async function compileInPool(pool: Piscina, file: string, bothArms: boolean): Promise<CompileOutcome> {
  const request: CompileRequest = { path: resolve(file), host: null, purpose: 'check', env: {}, bothArms };
  return (await pool.run(request)) as CompileOutcome;
}

/** Files named one by one, and of those in folders the ones that have tests. */
function filesWithTests(paths: readonly string[]): string[] {
  const files = policyFiles(paths).filter((file) => paths.includes(file) || hasTests(file));
  if (files.length > 0) return files;
  throw new CliError(`no policy with tests under ${paths.join(', ')}`, EXIT.usage);
}

function hasTests(file: string): boolean {
  const { declarations } = parse(file, readFileSync(file, 'utf8'), new Report());
  return declarations.some(({ kind }) => kind === 'test');
}

function testedFile(
  file: string,
  { tests, diagnostics }: CompileOutcome,
  name: string | undefined,
  durationMs: number,
): TestedFile {
  const results = tests.filter((each) => name === undefined || each.name.includes(name));
  // why: tests run as soon as the policy compiles; what else is wrong then, such as a feed, is not theirs.
  const problems = tests.length > 0 ? [] : diagnostics.filter(({ severity }) => severity === 'error');
  return { file: shownPath(resolve(file)), results, problems, durationMs };
}

function tell(files: readonly TestedFile[], format: TestFormat, durationMs: number): void {
  const { stdout } = process;
  if (format === 'junit') stdout.write(junitReport(files));
  else if (format === 'json') {
    for (const line of files.flatMap(jsonReport)) stdout.write(`${JSON.stringify(line)}\n`);
  } else {
    const paint = painter(useColor(stdout));
    for (const file of files) stdout.write(`${humanReport(file, paint)}\n`);
    stdout.write(`\n${humanSummary(files, durationMs, paint)}\n`);
  }
}

/** A file that is gone while an editor saves it is said, and waited for. */
async function foldersOfRound(...round: Parameters<typeof testOnce>): Promise<Iterable<string>> {
  try {
    return (await testOnce(...round)).folders;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`sallyport: ${error.message}\n`);
    return [];
  }
}

/** Tests again after every change of a policy; ends with an interrupt. */
async function watchAndTest(
  pool: Piscina,
  paths: readonly string[],
  options: TestOptions,
  format: TestFormat,
): Promise<number> {
  const folders = new WatchedFolders();
  let stopped = false;
  process.once('SIGINT', () => {
    stopped = true;
    folders.wake();
  });
  // why: watched before it is read, so that no change falls in between.
  folders.add(policyFiles(paths).map((file) => dirname(resolve(file))));
  while (!stopped) {
    const changed = folders.nextChange();
    folders.add(await foldersOfRound(pool, paths, options, format));
    if (format === 'human') process.stdout.write('\nwaiting for changes; Ctrl-C ends\n');
    await changed;
    await setTimeout(stopped ? 0 : SETTLE_MS);
    if (format === 'human' && process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H');
  }
  folders.close();
  return EXIT.ok;
}

/** Tells when a policy in one of the folders has changed. */
class WatchedFolders {
  readonly #watchers = new Map<string, FSWatcher>();
  wake: () => void = () => undefined;

  add(folders: Iterable<string>): void {
    for (const folder of folders) {
      if (this.#watchers.has(folder)) continue;
      const watcher = watch(folder, (_, name) => {
        if (name?.endsWith('.pdl')) this.wake();
      });
      this.#watchers.set(folder, watcher);
    }
  }

  nextChange(): Promise<void> {
    return new Promise((resolved) => {
      this.wake = resolved;
    });
  }

  close(): void {
    for (const watcher of this.#watchers.values()) watcher.close();
  }
}
