import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { measure } from '../../src/cli/bench/measure.ts';
import { sampleHello } from '../../src/cli/bench/sample.ts';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const QUICK = ['--time', '10', '--prefixes', '100', '--threads', '1'];

function bench(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [MAIN, 'bench', ...args], { encoding: 'utf8' });
}

test('every hot path is measured, and JSON says on what machine', () => {
  const { status, stdout, stderr } = bench(...QUICK);
  assert.equal(status, 0, stderr);
  const { machine, paths } = JSON.parse(stdout);
  assert.equal(machine.node, process.versions.node);
  const names = paths.map(({ name }: { name: string }) => name).join('\n');
  for (const path of [
    /parse/,
    /JA3/,
    /JA4/,
    /full decision/,
    /score one/,
    /score .*batch/,
    /SHA-256/,
    /proof/,
    /address/,
  ]) {
    assert.match(names, path);
  }
  for (const path of paths) {
    assert.ok(path.ops_per_second > 0 && path.rounds >= 5, JSON.stringify(path));
    assert.ok(Math.abs(path.ops_per_second * path.nanoseconds - 1e9) < 1e7, 'throughput and time agree');
  }
});

test('people get a table with a line for each path', () => {
  const { stdout } = bench(...QUICK, '--format', 'human');
  const [machine, , head, ...rows] = stdout.trimEnd().split('\n');
  assert.match(machine!, /^sallyport .*, node .* cores$/);
  assert.match(head!, /^path +one is +throughput +each takes +spread$/);
  assert.equal(rows.length, 14);
  for (const row of rows)
    assert.match(row, /\d \S?\/s +[\d.]+ (ns|µs|ms|s) +± \d+ %$|\d\/s +[\d.]+ (ns|µs|ms|s) +± \d+ %$/);
  assert.equal(new Set(rows.map((row) => row.length)).size, 1, 'columns line up');
});

test('a number out of range is wrong usage', () => {
  for (const args of [
    ['--time', 'long'],
    ['--prefixes', '0'],
    ['--threads', '-1'],
  ]) {
    const { status, stderr } = bench(...args);
    assert.equal(status, 2, stderr);
    assert.match(stderr, new RegExp(`${args[0]} must be an integer from`));
  }
});

test('the sample hello is a whole one', async () => {
  const hello = await sampleHello();
  const core = new Core(loadCoreModule());
  assert.equal(core.parse(hello, 0, hello.length, 'records', 'tls'), 0);
  assert.equal(core.hello.sni, 'shop.example.com');
});

test('time is counted for each operation, also of a path that waits', async () => {
  const run = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
  const measured = await measure({ name: 'wait', unit: 'half', operations: 2, run }, 20);
  assert.ok(measured.nanoseconds > 2e6, `${measured.nanoseconds} ns is less than half of 5 ms`);
  assert.ok(measured.rounds >= 5);
});
