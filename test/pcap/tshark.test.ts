import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { CaptureDesk, type CaptureRow } from '../../src/cli/capture-desk.ts';
import { TlsConnections } from '../../src/pcap/connections.ts';
import { CaptureReader } from '../../src/pcap/container.ts';
import { NO_DATABASES } from '../../src/profile/address/origins.ts';
import { ClientMatcher } from '../../src/profile/client-matcher.ts';
import { loadClients } from '../../src/profile/clients.ts';
import { StackMatcher } from '../../src/profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../src/profile/stacks.ts';
import { missing as missingData, sharedPath } from '../support/shared-data.ts';
import { missing, run } from '../support/tools.ts';
import { until } from '../support/until.ts';

function rowsOf(file: string): CaptureRow[] {
  const matcher = new StackMatcher(loadStacks(OWN_STACKS).stacks!);
  const desk = new CaptureDesk({
    matcher,
    clients: new ClientMatcher(loadClients(null).table!),
    databases: NO_DATABASES,
    desk: null,
  });
  const rows: CaptureRow[] = [];
  const connections = new TlsConnections({
    parse: (bytes, length) => desk.parse(bytes, length),
    found: (beginning) => rows.push(desk.describe(beginning)),
  });
  const reader = new CaptureReader();
  reader.push(readFileSync(file), (packet) => connections.take(packet));
  reader.end();
  connections.end();
  return rows;
}

/** JA3 of the first ClientHello of each stream, as tshark says, by client endpoint. */
async function tsharkJa3(file: string): Promise<Map<string, string>> {
  const fields = ['ip.src', 'ipv6.src', 'tcp.srcport', 'tls.handshake.ja3'].flatMap((field) => ['-e', field]);
  const filter = ['-Y', 'tls.handshake.type == 1 and tcp'];
  const { stdout } = await run('tshark', [
    '-r',
    file,
    ...filter,
    '-T',
    'fields',
    '-E',
    'separator=|',
    ...fields,
  ]);
  const found = new Map<string, string>();
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [v4, v6, port, ja3] = line.split('|') as [string, string, string, string];
    const key = `${v4 || v6} ${port}`;
    // An empty one is of SSL 2, which has no ClientHello to speak of.
    if (ja3 !== '' && !found.has(key)) found.set(key, ja3.split(',')[0]!);
  }
  return found;
}

const CAPTURES = [
  'arkime/tests/pcap/smtp-starttls.pcap',
  'zeek/testing/btest/Traces/tls/tls13-ech.pcap',
  'zeek/testing/btest/Traces/tls/chrome-1250-tls-x25519-kyber.pcap',
  'zeek/testing/btest/Traces/tls/missing-intermediate.pcap',
  'zeek/testing/btest/Traces/tls/tls13draft16-ff52.a01-aborted.pcap',
];
const tshark = await missing('tshark');

for (const path of CAPTURES) {
  test(`JA3 is as tshark says: ${path}`, { skip: tshark || missingData(path) }, async () => {
    const theirs = await tsharkJa3(sharedPath(path));
    const ours = new Map(
      rowsOf(sharedPath(path)).map(({ client, ja3_hash }) => [`${client.ip} ${client.port}`, ja3_hash]),
    );
    assert.ok(theirs.size > 0);
    assert.deepEqual(new Map([...ours].sort()), new Map([...theirs].sort()));
  });
}

const tcpdump = (await missing('tcpdump')) || (process.getuid?.() === 0 ? false : 'only root may capture');

test('a capture made live on loopback agrees with tshark and with what the clients sent', {
  skip: tshark || tcpdump,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pcap-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'live.pcap');
  const server = createServer((socket) => socket.once('data', () => socket.destroy()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const dump = spawn(
    'tcpdump',
    ['-i', 'lo', '-U', '--immediate-mode', '-w', file, 'tcp', 'port', String(port)],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  t.after(() => dump.kill());
  await once(dump.stderr, 'data');
  const hellos: string[] = [];
  for (const [servername, maxVersion] of [
    ['one.example', 'TLSv1.3'],
    ['two.example', 'TLSv1.2'],
  ] as const) {
    const client = connect({ port, host: '127.0.0.1', servername, maxVersion, rejectUnauthorized: false });
    await once(client, 'error');
    hellos.push(servername);
  }
  await until('both hellos are in the file', async () => (await tsharkJa3(file)).size === 2);
  dump.kill();
  const rows = rowsOf(file);
  const theirs = await tsharkJa3(file);
  assert.deepEqual(
    rows.map(({ sni }) => sni),
    hellos,
  );
  for (const { client, ja3_hash, syn } of rows) {
    assert.equal(ja3_hash, theirs.get(`${client.ip} ${client.port}`));
    assert.match(String(syn!.os), /^Linux/);
  }
});
