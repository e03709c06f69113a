import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AuditWriter } from '../../src/audit/writer.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const POLICIES = fileURLToPath(new URL('../../policies/', import.meta.url));
/** ClientHello of `openssl s_client -noservername -tls1_2` with one suite, group and signature scheme. */
const HELLO =
  '1603010055010000510303c38af4610d45f1250f9b948daaa7435a69ad035d9e02c2b5e28c1416daf0fce2000004c02b00ff0100' +
  '0024000b000403000102000a000400020017002300000016000000170000000d000400020403';
const JA4 = 't12i020600_6d4732649639_d0212ebfd738';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

function sallyport(args: readonly string[], input = ''): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [MAIN, ...args], { cwd: directory, input, encoding: 'utf8' });
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text);
  return name;
}

test('help lists every verb, with examples', () => {
  const { status, stdout } = sallyport(['--help']);
  assert.equal(status, 0);
  for (const verb of [
    'init',
    'new',
    'run',
    'check',
    'lint',
    'test',
    'explain',
    'expand',
    'graph',
    'decide',
    'inspect',
    'reload',
    'audit',
    'bench',
    'connect',
    'version',
  ]) {
    assert.match(stdout, new RegExp(`\\n  ${verb} `));
  }
  assert.match(stdout, /sallyport run --demo/);
});

test('a reader that goes away ends a batch without an error', () => {
  const lines = `${HELLO}\n`.repeat(5_000);
  const command = `"${process.execPath}" "${MAIN}" inspect hello --jsonl | head -n 1`;
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { input: lines, encoding: 'utf8' });
  assert.equal(jsonLines(stdout).length, 1);
  assert.equal(stderr, '');
});

test('an unknown verb, an unknown flag and a missing argument are wrong usage', () => {
  for (const args of [
    ['chekc'],
    ['check', '--colour', 'x'],
    ['check'],
    ['decide'],
    ['check', 'a', '--format', 'xml'],
  ]) {
    assert.equal(sallyport(args).status, 2, args.join(' '));
  }
});

test('a mistyped verb gets a suggestion', () => {
  assert.match(sallyport(['chekc']).stderr, /Did you mean check\?/);
});

test('version is JSON when nobody watches', () => {
  const [report] = jsonLines(sallyport(['version']).stdout);
  assert.match(String(report!.sallyport), /^\d+\.\d+\.\d+$/);
  assert.equal(report!.node, process.versions.node);
});

test('inspect hello prints the fingerprints of bare hex, records and handshake messages', () => {
  const lines = [
    HELLO,
    JSON.stringify({ record_hex: HELLO, proto: 'tls' }),
    JSON.stringify({ handshake_hex: HELLO.slice(10) }),
  ];
  const { status, stdout } = sallyport(['inspect', 'hello', '--jsonl'], `${lines.join('\n')}\n`);
  assert.equal(status, 0);
  const found = jsonLines(stdout);
  assert.deepEqual(
    found.map(({ ja4 }) => ja4),
    [JA4, JA4, JA4],
  );
  for (const key of ['ja3', 'ja3_hash', 'ja3n_hash', 'ja4_r', 'ja4_o', 'ja4_ro', 'sni', 'alpn']) {
    assert.ok(key in found[0]!, key);
  }
});

test('a line that cannot be inspected is answered with an error, and the next one still is', () => {
  const input = `zz\n{"record_hex":7}\n${HELLO.slice(0, 60)}\n474554202f\n${HELLO}\n`;
  const { status, stdout } = sallyport(['inspect', 'hello'], input);
  assert.equal(status, 1);
  const found = jsonLines(stdout) as { error?: { code: string; message: string }; ja4?: string }[];
  assert.deepEqual(
    found.map(({ error }) => error !== undefined),
    [true, true, true, true, false],
  );
  assert.equal(found[0]!.error!.code, 'bad_input');
  assert.equal(found[3]!.error!.code, 'not_tls');
});

test('inspect syn prints the p0f signature', () => {
  const syn =
    '4500003032054000800635bcc0a80165adc22337dd6301bbdd0d6e360000000070022000a5b50000020405b401010402';
  const { stdout } = sallyport(['inspect', 'syn', '--jsonl'], `${syn}\n{"ip_hex":"${syn}"}\n{}\n`);
  const [bare, object, bad] = jsonLines(stdout);
  assert.equal(bare!.sig, '4:128+0:0:1460:8192,0:mss,nop,nop,sok:df,id+:0');
  assert.deepEqual(object, bare);
  assert.ok('error' in bad!);
});

test('init writes a policy that checks, and overwrites nothing', () => {
  assert.equal(sallyport(['init']).status, 0);
  assert.equal(statSync(join(directory, '.sallyport/puzzle.key')).mode & 0o777, 0o600);
  const checked = sallyport(['check', 'policy.pdl', '--format', 'human']);
  assert.equal(checked.status, 0, checked.stderr);
  assert.match(checked.stderr, /2 tests passed/);
  file('policy.pdl', '# mine\n');
  assert.match(sallyport(['init']).stdout, /kept policy\.pdl/);
  assert.equal(readFileSync(join(directory, 'policy.pdl'), 'utf8'), '# mine\n');
});

test('check prints one JSON object per diagnostic and exits 1 on an error', () => {
  const { status, stdout } = sallyport(['check', file('bad.pdl', 'pdl 1\nsite {\n'), '--format', 'json']);
  assert.equal(status, 1);
  const [first] = jsonLines(stdout);
  const keys = ['code', 'severity', 'message', 'file', 'line', 'column', 'endLine', 'endColumn', 'help'];
  for (const key of keys) assert.ok(key in first!, key);
  assert.equal(first!.severity, 'error');
});

test('check finds an unknown key of a configuration, with a suggestion', () => {
  const { status, stdout } = sallyport([
    'check',
    file('bad.yaml', 'version: 1\nlisteners: []\nupstraems: {}\n'),
  ]);
  assert.equal(status, 1);
  const unknown = jsonLines(stdout).find(({ code }) => code === 'CFG-K001');
  assert.deepEqual([unknown?.line, unknown?.column], [3, 1]);
  assert.match(String(unknown?.help), /did you mean `upstreams`/);
});

test('a file that is not there is an error, not a crash', () => {
  for (const name of ['nowhere.pdl', 'nowhere.yaml']) {
    const { status, stdout, stderr } = sallyport(['check', name]);
    assert.equal(status, 1);
    assert.equal(jsonLines(stdout).length, 1);
    assert.equal(stderr, '');
  }
});

/** A policy by score with one feed beside it. */
function threeTiers(): string {
  const policy = readFileSync(join(POLICIES, 'three-tiers.pdl'), 'utf8');
  spawnSync('mkdir', ['-p', join(directory, 'feeds')]);
  file('feeds/blocklist.txt', '127.0.0.2/32\n');
  file('feeds/tool-ja4.txt', `${JA4}\n`);
  return file('tiers.pdl', policy);
}

test('decide says what a policy does with each client, and why', () => {
  const policy = threeTiers();
  const input = [
    { hello: HELLO, ip: '127.0.0.2' },
    { hello: HELLO, ip: '203.0.113.7' },
    { hello: HELLO, ip: '203.0.113.7', facts: { 'hello.sni': 'shop.example', 'client.cleared': true } },
  ].map((line) => JSON.stringify(line));
  const { status, stdout, stderr } = sallyport(['decide', '--policy', policy, '--jsonl'], input.join('\n'));
  assert.equal(status, 0, stderr);
  const [listed, unlisted, cleared] = jsonLines(stdout);
  assert.deepEqual([listed!.policy, listed!.action, listed!.score], ['high', 'refuse', 100]);
  assert.ok((listed!.matched as string[]).includes('on_blocklist'));
  assert.equal(listed!.ja4, JA4);
  assert.match(String(listed!.image), /^[0-9a-f]{64}$/);
  assert.deepEqual([unlisted!.policy, unlisted!.score, unlisted!.challenge], ['low', 50, null]);
  assert.equal(cleared!.score, 5);
});

test('decide answers a bad line with an error and goes on', () => {
  const policy = threeTiers();
  const lines = [
    'nonsense',
    '{"hello":"16","ip":"1.2.3.4"}',
    '{"ip":"x"}',
    '{"facts":{"conn.nothing":1}}',
    '{}',
  ];
  const { status, stdout } = sallyport(['decide', '--policy', policy, '--jsonl'], lines.join('\n'));
  assert.equal(status, 0);
  const answers = jsonLines(stdout);
  assert.deepEqual(
    answers.map((each) => 'error' in each),
    [true, true, true, true, false],
  );
});

test('decide for a site that is not there is an error', () => {
  const { status, stderr } = sallyport(['decide', '--policy', threeTiers(), '--site', 'nowhere'], '');
  assert.equal(status, 1);
  assert.match(stderr, /there is no site called nowhere; there are default/);
});

test('audit verify tells an intact log from a changed one', async () => {
  const log = join(directory, 'audit.jsonl');
  const writer = new AuditWriter({ file: log, maxQueued: 10 });
  writer.write(['{"a":1}', '{"a":2}']);
  await writer.close();
  assert.equal(sallyport(['audit', 'verify', log]).status, 0);
  writeFileSync(log, readFileSync(log, 'utf8').replace('{"a":1', '{"a":3'));
  const { status, stdout } = sallyport(['audit', 'verify', log]);
  assert.deepEqual([status, jsonLines(stdout)[0]!.brokenAt], [1, 1]);
});

test('reload without a running edge says where it looked', () => {
  file('short.token', 'x'.repeat(20));
  const { status, stderr } = sallyport([
    'reload',
    '--admin-address',
    '127.0.0.1:1',
    '--token-file',
    'short.token',
  ]);
  assert.equal(status, 1);
  assert.match(stderr, /cannot reach the admin API at 127\.0\.0\.1:1/);
});

test('run without a configuration says how to make one', () => {
  const { status, stdout } = sallyport(['run', '--config', 'nowhere.yaml']);
  assert.equal(status, 1);
  assert.match(String(jsonLines(stdout)[0]!.help), /sallyport init/);
});
