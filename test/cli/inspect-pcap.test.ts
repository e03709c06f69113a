import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { captureHello } from '../support/hello.ts';
import { frame, ipv4Packet, LINK, pcapFile, tcpSegment } from '../support/pcap-writer.ts';
import { run } from '../support/tools.ts';
import { MAIN } from './support.ts';

const POLICY = `pdl 1
import "std/tls" as tls
policy open extends tls.intermediate { }
policy shut extends tls.intermediate { action refuse alert access_denied  rank 90 }
score none { clamp 0..100  group g cap 100 { signal bait +100 when hello.sni == "bait.example" } }
site all { listen edge  sni any  score none  ladder { from 0 use open  from 51 use shut }  on_error use shut }
`;

const sallyport = (args: readonly string[]): ReturnType<typeof run> => run(process.execPath, [MAIN, ...args]);

interface Row {
  readonly client: { readonly ip: string; readonly port: number };
  readonly server: { readonly ip: string; readonly port: number };
  readonly syn: { readonly os: string | null } | null;
  readonly hello_status: string;
  readonly sni: string | null;
  readonly ja3_hash: string | null;
  readonly ja4: string | null;
  readonly client_name: string | null;
  readonly decision: { readonly action: string; readonly policy: string | null } | null;
}

const rowsOf = (stdout: string): Row[] =>
  stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Row);

async function capture(t: TestContext): Promise<{ file: string; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pcap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const options = Buffer.from('020405b40402080a000000010000000001030307', 'hex');
  const frames = [];
  for (const [index, servername] of ['shop.example', 'bait.example'].entries()) {
    const port = { sourcePort: 40_000 + index };
    frames.push(tcpSegment({ ...port, sequence: 999, flags: 'S', options }));
    frames.push(tcpSegment({ ...port, sequence: 1_000, payload: await captureHello({ servername }) }));
  }
  const file = join(folder, 'two.pcap');
  writeFileSync(file, pcapFile(frames.map((segment) => frame(LINK.ethernet, ipv4Packet(segment)))));
  writeFileSync(join(folder, 'policy.pdl'), POLICY);
  return { file, folder };
}

test('every TLS connection of a capture is one object, with its decision when a policy is given', async (t) => {
  const { file, folder } = await capture(t);
  const policy = join(folder, 'policy.pdl');
  const { code, stdout, stderr } = await sallyport([
    'inspect',
    'pcap',
    file,
    '--policy',
    policy,
    '--format',
    'json',
  ]);
  assert.equal(code, 0, stderr);
  const rows = rowsOf(stdout);
  assert.deepEqual(
    rows.map(({ sni, decision }) => [sni, decision!.action, decision!.policy]),
    [
      ['shop.example', 'accept', 'open'],
      ['bait.example', 'refuse', 'shut'],
    ],
  );
  for (const { client, server, syn, ja3_hash, ja4, client_name, hello_status } of rows) {
    assert.match(client_name!, /Node/);
    assert.equal(client.ip, '192.0.2.7');
    assert.deepEqual(server, { ip: '198.51.100.1', port: 443 });
    assert.match(syn!.os!, /^Linux/);
    assert.match(ja3_hash!, /^[0-9a-f]{32}$/);
    assert.match(ja4!, /^t13d/);
    assert.equal(hello_status, 'complete');
  }
});

test('for people it is a table, and what was counted goes to standard error', async (t) => {
  const { file } = await capture(t);
  const { code, stdout, stderr } = await sallyport(['inspect', 'pcap', file, '--format', 'human']);
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  assert.match(lines[0]!, /^TIME +CLIENT +SERVER +NAME ASKED FOR +SYSTEM \(SYN\) +PROGRAM +JA4$/);
  assert.match(
    lines[1]!,
    /192\.0\.2\.7:40000 +198\.51\.100\.1:443 +shop\.example +Linux.* ~?Node\.js.* t13d/,
  );
  assert.equal(lines.length, 3);
  assert.match(stderr, /^2 TLS of 2 TCP connections in 4 packets$/m);
});

test('a capture that is cut off says where, after what came before it', async (t) => {
  const { file, folder } = await capture(t);
  const cut = join(folder, 'cut.pcap');
  writeFileSync(cut, readFileSync(file).subarray(0, -10));
  const { code, stdout, stderr } = await sallyport(['inspect', 'pcap', cut, '--format', 'json']);
  assert.equal(code, 1);
  assert.equal(rowsOf(stdout).length, 1);
  assert.match(stderr, /cut\.pcap: the file ends inside a packet: it was cut off \(at byte \d+\)/);
});

test('foreign and missing files are one line, and exit 1', async (t) => {
  const { folder } = await capture(t);
  const foreign = await sallyport(['inspect', 'pcap', join(folder, 'policy.pdl'), '--format', 'json']);
  assert.equal(foreign.code, 1);
  assert.match(foreign.stderr, /neither a pcap nor a pcapng file: it begins with 70646c20 \(at byte 0\)/);
  const absent = await sallyport(['inspect', 'pcap', join(folder, 'absent.pcap')]);
  assert.notEqual(absent.code, 0);
  assert.match(absent.stderr, /absent\.pcap cannot be read \(ENOENT\)/);
});
