import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const LOOSE = 'pdl 1\nlet   a=1   # one\n';
const CANONICAL = 'pdl 1\nlet a = 1  # one\n';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-fmt-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

function fmt(args: readonly string[], input: string | Uint8Array = ''): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [MAIN, 'fmt', ...args], { cwd: directory, input, encoding: 'utf8' });
}

function file(name: string, text: string | Uint8Array): string {
  writeFileSync(join(directory, name), text);
  return name;
}

const read = (name: string): string => readFileSync(join(directory, name), 'utf8');

test('fmt rewrites a file in place and keeps its permissions, and leaves a second run nothing to do', () => {
  const name = file('a.pdl', LOOSE);
  chmodSync(join(directory, name), 0o640);
  const first = fmt([name]);
  assert.equal(first.status, 0);
  assert.match(first.stderr, /a\.pdl: formatted/);
  assert.equal(read(name), CANONICAL);
  assert.equal(statSync(join(directory, name)).mode & 0o777, 0o640);
  assert.equal(fmt([name]).stderr, '');
  assert.ok(!readdirSync(directory).some((entry) => entry.endsWith('.tmp')));
});

test('fmt --check names the files that are not in canonical form, and writes nothing', () => {
  const names = [file('loose.pdl', LOOSE), file('good.pdl', CANONICAL)];
  const { status, stdout } = fmt(['--check', ...names]);
  assert.equal(status, 1);
  assert.equal(stdout, 'loose.pdl\n');
  assert.equal(read('loose.pdl'), LOOSE);
  assert.equal(fmt(['--check', 'good.pdl']).status, 0);
});

test('fmt formats standard input to standard output', () => {
  for (const args of [[], ['-']]) {
    const { status, stdout } = fmt(args, LOOSE);
    assert.equal(status, 0);
    assert.equal(stdout, CANONICAL);
  }
});

test('a syntax error leaves the file as it is, and the other files are formatted', () => {
  const bad = file('bad.pdl', 'pdl 1\nlet   a 1\n');
  const good = file('other.pdl', LOOSE);
  const { status, stdout } = fmt([bad, good]);
  assert.equal(status, 1);
  const found = JSON.parse(stdout) as { code: string; file: string; line: number };
  assert.deepEqual([found.code, found.file, found.line], ['PDL-G001', 'bad.pdl', 2]);
  assert.equal(read(bad), 'pdl 1\nlet   a 1\n');
  assert.equal(read(good), CANONICAL);
});

test('a file that is not UTF-8 is refused and left as it is', () => {
  const bytes = Buffer.from('pdl 1 # caf\xe9\n', 'latin1');
  const { status, stderr } = fmt([file('latin.pdl', bytes)]);
  assert.equal(status, 1);
  assert.match(stderr, /latin\.pdl is not UTF-8/);
  assert.deepEqual(readFileSync(join(directory, 'latin.pdl')), bytes);
});

test('a missing file is a problem that is told', () => {
  const { status, stderr } = fmt(['gone.pdl']);
  assert.equal(status, 1);
  assert.match(stderr, /cannot read gone\.pdl/);
});

test('a link stays a link, and the file it names is formatted', () => {
  file('target.pdl', LOOSE);
  symlinkSync('target.pdl', join(directory, 'link.pdl'));
  assert.equal(fmt(['link.pdl']).status, 0);
  assert.equal(read('target.pdl'), CANONICAL);
  assert.ok(
    readdirSync(directory, { withFileTypes: true })
      .find(({ name }) => name === 'link.pdl')!
      .isSymbolicLink(),
  );
});
