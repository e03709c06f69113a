import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { Diagnostic } from '../../src/pdl/diagnostics/diagnostic.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';
import { until } from '../support/until.ts';

async function handshake({ port, ca }: TestEdge, servername = 'localhost'): Promise<TLSSocket> {
  const client = connect({ port, host: '127.0.0.1', servername, ca });
  client.on('error', () => {});
  await once(client, 'secureConnect');
  return client;
}

async function get(client: TLSSocket): Promise<string> {
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const [data] = (await once(client, 'data')) as [Buffer];
  return data.toString();
}

function errorsOf(diagnostics: readonly Diagnostic[]): { readonly code: string; readonly line: number }[] {
  return diagnostics.filter(({ severity }) => severity === 'error').map(({ code, line }) => ({ code, line }));
}

test('a connection keeps the policy it started under; the next one gets the new', async (t) => {
  const edge = await startTestEdge(t);
  const before = await handshake(edge);
  edge.write(
    'policy.pdl',
    ACTIONS_POLICY.replace('action refuse alert access_denied', 'action reset').replaceAll(
      'use served',
      'use refused',
    ),
  );
  assert.equal((await edge.edge.reload()).ok, true);
  assert.match(await get(before), /"x-sallyport-policy":"served"/);
  const after = edge.connect();
  after.write(await captureHello());
  assert.equal((await untilClosed(after)).reset, true);
  before.destroy();
  const [first, second] = [
    await edge.line((line) => line.tls.established),
    await edge.line((line) => !line.tls.established),
  ];
  assert.equal(first.sallyport.epoch, 1);
  assert.equal(second.sallyport.epoch, 2);
  assert.notEqual(first.rule.version, second.rule.version);
});

test('a policy with an error is refused with its place, and nothing changes', async (t) => {
  const edge = await startTestEdge(t);
  const bundle = edge.edge.bundle();
  edge.write('policy.pdl', ACTIONS_POLICY.replace('site modern  {', 'site modern  { lisen edge'));
  const result = await edge.edge.reload();
  assert.ok(!result.ok);
  const line = ACTIONS_POLICY.split('\n').findIndex((text) => text.startsWith('site modern')) + 1;
  assert.equal(errorsOf(result.diagnostics)[0]!.line, line);
  assert.equal(edge.edge.bundle(), bundle);
  (await handshake(edge)).destroy();
});

test('a feed with a bad line is refused at that line', async (t) => {
  const edge = await startTestEdge(t);
  edge.write('blocked.txt', '192.0.2.0/24\nnot an address\n');
  const result = await edge.edge.reload();
  assert.ok(!result.ok);
  assert.deepEqual(errorsOf(result.diagnostics), [{ code: 'FEED-002', line: 2 }]);
});

test('a key that no longer fits its certificate is refused at reload', async (t) => {
  const edge = await startTestEdge(t);
  edge.write('key.pem', 'no key');
  const result = await edge.edge.reload();
  assert.ok(!result.ok);
  assert.deepEqual(errorsOf(result.diagnostics), [{ code: 'CERT-003', line: 1 }]);
  (await handshake(edge)).destroy();
});

test('reloads under load break no handshake', async (t) => {
  const edge = await startTestEdge(t, { threads: 2 });
  let running = true;
  const reloads = (async () => {
    for (let turn = 0; turn < 10; turn++) assert.equal((await edge.edge.reload()).ok, true);
    running = false;
  })();
  let served = 0;
  while (running) {
    const clients = await Promise.all(Array.from({ length: 8 }, () => handshake(edge)));
    for (const client of clients) client.destroy();
    served += clients.length;
  }
  await reloads;
  assert.ok(served > 0);
});

test('a killed worker is replaced on the same port and its connections are on record', async (t) => {
  const edge = await startTestEdge(t, { threads: 1 });
  const lost = await handshake(edge);
  const closed = untilClosed(lost);
  edge.edge.killWorker(0);
  await closed;
  const next = await handshake(edge);
  assert.match(await get(next), /200 OK/);
  next.destroy();
  const audit = await edge.line((line) => line.event.action === 'worker_lost');
  assert.equal(audit.source.port, lost.localPort ?? audit.source.port);
});

test('connections that queue while their worker dies are served by the next', async (t) => {
  const edge = await startTestEdge(t, { threads: 1 });
  edge.edge.killWorker(0);
  const clients = await Promise.all(Array.from({ length: 16 }, () => handshake(edge)));
  assert.equal(clients.length, 16);
  for (const client of clients) client.destroy();
});

for (const threads of [0, 1, 2]) {
  test(`with ${threads} workers the decisions are the same`, async (t) => {
    const edge = await startTestEdge(t, { threads });
    const ends: Record<string, string> = {};
    for (const name of ['refused.test', 'reset.test', 'held.test', 'modern.test', 'other.test']) {
      const client = connect({ port: edge.port, host: '127.0.0.1', servername: name, ca: edge.ca });
      client.on('error', () => {});
      client.once('secureConnect', () => client.end());
      await untilClosed(client);
      ends[name] = (await edge.line((line) => line.tls.client.server_name === name)).event.action;
    }
    assert.deepEqual(ends, {
      'refused.test': 'refused',
      'reset.test': 'reset',
      'held.test': 'tarpitted',
      'modern.test': 'served',
      'other.test': 'served',
    });
  });
}

test('draining lets a request end, then closes, and takes no new connection', async (t) => {
  const edge = await startTestEdge(t);
  const client = await handshake(edge);
  const drained = edge.edge.drain(5_000);
  await untilClosed(client);
  await drained;
  const late = edge.connect();
  await untilClosed(late);
  assert.equal(edge.edge.ready, false);
});

test('what is still open at the drain’s deadline is closed and on record', async (t) => {
  const edge = await startTestEdge(t);
  const slow = edge.connect();
  // One byte, since the kernel may hold back a client that has sent none.
  slow.write(Buffer.from([0x16]));
  await once(slow, 'connect');
  await until('the client is accepted', () => edge.open() === 1);
  const closed = untilClosed(slow);
  await edge.edge.drain(100);
  await closed;
  assert.equal((await edge.line()).event.action, 'drained');
});
