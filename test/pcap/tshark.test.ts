import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { REWRITES, rewrite } from '../support/pcap-rewriter.ts';
import { ourJa3, rowsOf, tsharkJa3 } from '../support/pcap-rows.ts';
import { missing as missingData, sharedPath } from '../support/shared-data.ts';
import { missing } from '../support/tools.ts';
import { until } from '../support/until.ts';

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
    const ours = ourJa3(sharedPath(path));
    assert.ok(theirs.size > 0);
    assert.deepEqual(new Map([...ours].sort()), new Map([...theirs].sort()));
  });
}

/** tshark takes most of a second each time; scripts/compare-captures.ts asks it about all of them. */
const ASKED: ReadonlySet<string> = new Set([
  'in fragments of 64 bytes',
  'under QinQ, in fragments',
  'in PPPoE',
]);
const REWRITTEN = 'zeek/testing/btest/Traces/tls/tls13-ech.pcap';

for (const [how, wanted] of Object.entries(REWRITES)) {
  const asks = ASKED.has(how);
  test(`a capture ${how} shows what it did before${asks ? ', and what tshark says' : ''}`, {
    skip: (asks && tshark) || missingData(REWRITTEN),
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-pcap-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'rewritten.pcap');
    writeFileSync(file, rewrite(readFileSync(sharedPath(REWRITTEN)), wanted));
    const ours = ourJa3(file);
    assert.deepEqual(ours, ourJa3(sharedPath(REWRITTEN)));
    if (asks) assert.deepEqual(ours, await tsharkJa3(file));
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
