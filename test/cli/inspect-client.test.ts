import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { captureHello } from '../support/hello.ts';
import { synPacket } from '../support/syn-bytes.ts';
import { jsonLines, SMALL, Workspace } from './support.ts';

const workspace = new Workspace();
after(() => workspace.remove());

const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15';
/** Linux: mss 1460, sackOK, timestamps, nop, window scale 7. */
const SYN = synPacket({
  ttl: 60,
  id: 4_660,
  ipFlags: 2,
  window: 64_240,
  options: Uint8Array.from([2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]),
}).toString('hex');

let hello: string;
before(async () => {
  hello = (await captureHello()).toString('hex');
});

function inspect(
  args: readonly string[],
  input = '',
): { status: number | null; stdout: string; stderr: string } {
  return workspace.sallyport(['inspect', 'client', ...args], input);
}

interface Profile {
  readonly client: { readonly name: string; readonly kind: string; readonly match: string } | null;
  readonly syn: Record<string, unknown> | null;
  readonly hello: Record<string, unknown> | null;
  readonly user_agent: Record<string, unknown> | null;
  readonly os_mismatch: { readonly mismatch: boolean | null; readonly why: string } | null;
  readonly tool_mismatch: { readonly mismatch: boolean | null; readonly why: string } | null;
}

const profile = (args: readonly string[], input = ''): Profile =>
  jsonLines(inspect(args, input).stdout)[0] as unknown as Profile;

test('a hello, a SYN and a User-Agent are told together, with what contradicts what', () => {
  const { client, syn, user_agent, os_mismatch, tool_mismatch } = profile([
    ...['--hello', hello, '--syn', SYN, '--user-agent', SAFARI],
  ]);
  assert.deepEqual([client?.name, client?.kind, client?.match], ['Node.js', 'library', 'exact']);
  assert.deepEqual([syn?.os_family, syn?.hops], ['Linux', 4]);
  assert.deepEqual([user_agent?.browser, user_agent?.os], ['Safari', 'macOS']);
  assert.deepEqual(os_mismatch, { mismatch: true, why: 'the User-Agent says macOS, the SYN Linux' });
  assert.deepEqual(tool_mismatch, {
    mismatch: true,
    why: 'the User-Agent says Safari, the ClientHello Node.js',
  });
});

test('people are told the same in words, without colour where there is no terminal', () => {
  const { status, stdout } = inspect([
    ...['--hello', hello, '--syn', SYN, '--user-agent', SAFARI, '--format', 'human'],
  ]);
  assert.equal(status, 0);
  assert.match(stdout, /TLS +Node\.js \S+ +a library; with OpenSSL; as in the table/);
  assert.match(stdout, /system +Linux 5\.x or 6\.x +4 routers away; MTU 1500, Ethernet/);
  assert.match(stdout, /claims +Safari 18\.4 on macOS \(WebKit\)/);
  assert.match(stdout, /✗ contradiction: the User-Agent says Safari/);
  assert.match(stdout, /JA4 +t13d/);
  assert.ok(!stdout.includes('\u001b'));
});

test('the hello can come as hex or bytes, from a file or from standard input', () => {
  const bytes = Buffer.from(hello, 'hex');
  writeFileSync(join(workspace.directory, 'hello.bin'), bytes);
  workspace.file('hello.hex', `${hello.slice(0, 64)}\n${hello.slice(64)}\n`);
  const ja4 = profile(['--hello', hello]).hello?.ja4;
  assert.match(String(ja4), /^t13d/);
  assert.equal(profile(['--hello', 'hello.bin']).hello?.ja4, ja4);
  assert.equal(profile(['--hello', 'hello.hex']).hello?.ja4, ja4);
  assert.equal(profile(['--hello', '-'], `${hello}\n`).hello?.ja4, ja4);
});

test("an operator's table names a client of one's own", () => {
  const ja4 = String(profile(['--hello', hello]).hello?.ja4);
  const table = workspace.file('own.tsv', `${ja4}\tour monitor\ttool\n`);
  assert.equal(profile(['--hello', hello, '--client-table', table]).client?.name, 'our monitor');
  const wrong = workspace.file('wrong.tsv', `${ja4}\tour monitor\tthing\n`);
  const { status, stderr } = inspect(['--hello', hello, '--client-table', wrong]);
  assert.equal(status, 1);
  assert.match(stderr, /CLIENT-002/);
  assert.match(stderr, /wrong\.tsv:1:50/);
});

test('an address is told with the country and network that the databases have for it', () => {
  const { stdout } = inspect(['--ip', '::ffff:203.0.113.7', '--user-agent', 'curl/8', '--format', 'human']);
  assert.match(stdout, /address +203\.0\.113\.7\n/);
  assert.equal(inspect(['--ip', '203.0.113']).status, 2);
  assert.match(
    inspect(['--ip', '203.0.113.7', '--geo-asn', 'none.mmdb']).stderr,
    /none\.mmdb cannot be used/,
  );
});

test('decide names the client too, also by a table of one’s own', () => {
  workspace.file('policy.pdl', SMALL);
  const ask = (...more: string[]): unknown =>
    jsonLines(
      workspace.sallyport(
        ['decide', '--policy', 'policy.pdl', '--site', 'main', '--jsonl', ...more],
        `{"hello":"${hello}"}\n`,
      ).stdout,
    )[0]?.client;
  assert.equal(ask(), 'Node.js');
  const ja4 = String(profile(['--hello', hello]).hello?.ja4);
  workspace.file('mine.tsv', `${ja4}\tour monitor\ttool\n`);
  assert.equal(ask('--client-table', 'mine.tsv'), 'our monitor');
});

test('what was not given is not told', () => {
  const { hello: none, syn, os_mismatch, user_agent } = profile(['--user-agent', 'curl/8.5.0']);
  assert.deepEqual([none, syn], [null, null]);
  assert.equal(user_agent?.product, 'curl');
  assert.equal(os_mismatch?.mismatch, null);
  const without = profile(['--hello', hello]);
  assert.deepEqual([without.tool_mismatch, without.os_mismatch, without.user_agent], [null, null, null]);
});

test('what cannot be read says why and ends in 1, and nothing at all in 2', () => {
  const short = inspect(['--syn', '4500', '--hello', hello.slice(0, 100), '--format', 'human']);
  assert.equal(short.status, 1);
  assert.match(short.stdout, /system +cannot be read: .* \(syn_truncated\)/);
  assert.match(inspect(['--hello', 'nothing.bin']).stderr, /neither hex digits nor a file .*ENOENT/);
  assert.equal(inspect([]).status, 2);
  assert.equal(inspect(['--hello', '-', '--syn', '-']).status, 2);
});

test('what a client wrote cannot steer the terminal', () => {
  const { stdout } = inspect(['--user-agent', 'evil/1\u001b[2J\u202e', '--format', 'human']);
  assert.ok(!stdout.includes('\u001b') && !stdout.includes('\u202e'));
});

test('inspect hello says what sends such a hello', () => {
  const { stdout } = workspace.sallyport(['inspect', 'hello', '--jsonl'], `${hello}\n`);
  const [report] = jsonLines(stdout);
  assert.deepEqual(
    [report?.client, report?.client_kind, report?.client_match],
    ['Node.js', 'library', 'exact'],
  );
});
