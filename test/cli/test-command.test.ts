import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { jsonLines, MAIN, SMALL, Workspace } from './support.ts';

const workspace = new Workspace();
after(() => workspace.remove());
const sallyport = workspace.sallyport.bind(workspace);

const FAILING = `${SMALL}test "a listed client is refused <&>" for main {
  given { conn.ip 198.51.100.9  unknown hello.sni }
  expect { policy low  score 0..10  matched { is_listed }  action refuse alert access_denied }
}
`;
workspace.file('good.pdl', SMALL);
workspace.file('bad.pdl', FAILING);
workspace.file('broken.pdl', SMALL.replace('in listed', 'in lsited'));
workspace.file('more/good.pdl', SMALL);
workspace.file('more/library.pdl', 'pdl 1\nset office of cidr = { 192.0.2.0/28 }\n');
workspace.file('more/node_modules/x/bad.pdl', FAILING);
workspace.file('more/.hidden/bad.pdl', FAILING);

test('tests that hold give exit code 0 and one JSON object each', () => {
  const { status, stdout } = sallyport(['test', 'good.pdl']);
  assert.equal(status, 0);
  const [result, ...others] = jsonLines(stdout);
  assert.equal(others.length, 0);
  assert.deepEqual(
    [result!.file, result!.line, result!.name, result!.site, result!.passed],
    ['good.pdl', 18, 'a browser walks in', 'main', true],
  );
});

test('a failed test gives exit code 1 and what was decided beside what was expected', () => {
  const { status, stdout } = sallyport(['test', 'bad.pdl']);
  assert.equal(status, 1);
  const failed = jsonLines(stdout)[1]!;
  assert.equal(failed.passed, false);
  assert.deepEqual(
    (failed.expected as { expected: string; found: string; holds: boolean }[]).map((each) => [
      each.expected,
      each.found,
      each.holds,
    ]),
    [
      ['policy low', 'policy high', false],
      ['score 0..10', 'score 90', false],
      ['matched { is_listed }', 'matched { no_sni, is_listed }', true],
      ['action refuse alert access_denied', 'action refuse alert access_denied', true],
    ],
  );
});

test('a person sees the expect block as a difference, with the score’s parts', () => {
  const { stdout } = sallyport(['test', 'bad.pdl', '--format', 'human']);
  assert.match(stdout, /✓ a browser walks in/);
  assert.match(stdout, /✗ a listed client is refused <&> {2}bad\.pdl:19/);
  assert.match(
    stdout,
    / {6}- policy low\n {6}\+ policy high\n {6}- score 0\.\.10\n {6}\+ score 90 {3}no_sni \+30, is_listed \+60\n/,
  );
  assert.match(stdout, / {8}matched \{ is_listed \}\n/);
  assert.match(stdout, /1 passed, 1 failed in 1 file/);
});

test('a folder stands for the policies with tests in it and below', () => {
  const { status, stdout } = sallyport(['test', 'more']);
  assert.equal(status, 0);
  assert.deepEqual(
    jsonLines(stdout).map(({ file }) => file),
    ['more/good.pdl'],
  );
});

test('many files are tested in the order they were named', () => {
  const names = Array.from({ length: 12 }, (_, index) => workspace.file(`many/${index}.pdl`, SMALL));
  const { status, stdout } = sallyport(['test', ...names]);
  assert.equal(status, 0);
  assert.deepEqual(
    jsonLines(stdout).map(({ file }) => file),
    names,
  );
});

test('a policy that cannot be compiled is told with its diagnostics and exit code 1', () => {
  const { status, stdout } = sallyport(['test', 'broken.pdl', 'good.pdl']);
  assert.equal(status, 1);
  const [diagnostic, result] = jsonLines(stdout);
  assert.deepEqual([diagnostic!.code, diagnostic!.severity], ['PDL-N001', 'error']);
  assert.equal(result!.passed, true);
});

test('JUnit counts tests, failures and errors, and escapes what XML needs escaped', () => {
  const { status, stdout } = sallyport(['test', 'bad.pdl', 'broken.pdl', '--format', 'junit']);
  assert.equal(status, 1);
  assert.match(stdout, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites /);
  assert.match(stdout, /<testsuite name="bad\.pdl" tests="2" failures="1" errors="0" time="\d+\.\d{3}">/);
  assert.match(stdout, /<testcase name="a listed client is refused &lt;&amp;&gt;" classname="bad\.pdl:main"/);
  assert.match(stdout, /- policy low\n\+ policy high\n/);
  assert.match(stdout, /<testsuite name="broken\.pdl" tests="1" failures="0" errors="1"/);
  assert.match(stdout, /<error message="there is no [^"]*lsited/);
});

test('--name picks tests by a part of their sentence', () => {
  const { status, stdout } = sallyport(['test', 'bad.pdl', '--name', 'walks in']);
  assert.equal(status, 0);
  assert.equal(jsonLines(stdout).length, 1);
});

test('nothing to test is wrong usage', () => {
  for (const args of [['nowhere'], ['good.pdl', '--name', 'no such test'], ['more/.hidden/none']]) {
    const { status, stderr } = sallyport(['test', ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, /^sallyport: (?:there is no|no test|no policy)/);
  }
});

test('--watch tests again after a change and ends with an interrupt', async (context) => {
  workspace.file('watched/policy.pdl', SMALL);
  const child = spawn(process.execPath, [MAIN, 'test', 'policy.pdl', '--watch'], {
    cwd: join(workspace.directory, 'watched'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  context.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value } = await lines.next();
    return (JSON.parse(value as string) as { passed: boolean }).passed;
  };
  assert.equal(await next(), true);
  workspace.file('watched/policy.pdl', FAILING);
  assert.deepEqual([await next(), await next()], [true, false]);
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});
