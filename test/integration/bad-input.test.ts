import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello, grown, intoRecords, untilClosed } from '../support/hello.ts';
import { until } from '../support/until.ts';

const TIMEOUTS = { helloTimeout: '400ms', handshakeTimeout: '800ms' };

/** Another client, beside the bad one, must be served as ever. */
async function servesOthers({ port, ca }: TestEdge): Promise<void> {
  const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  await once(client, 'secureConnect');
  client.end();
  await once(client, 'close');
}

/** Sends `bytes`, then checks how it ends on the wire, that it is bounded, and what the audit calls it. */
async function sendBad(
  t: TestContext,
  bytes: Buffer | string,
  outcome: string,
  options: { readonly status?: string; readonly half?: boolean } = {},
): Promise<Buffer> {
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const client = edge.connect();
  const closed = untilClosed(client);
  if (options.half) client.end(bytes);
  else client.write(bytes);
  const audit = await edge.line();
  assert.equal(audit.event.action, outcome);
  if (options.status) assert.equal(audit.sallyport.hello.status, options.status);
  const { bytes: received } = await closed;
  await servesOthers(edge);
  return received;
}

test('plain HTTP is called what it is and gets no TLS', async (t) => {
  const received = await sendBad(t, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n', 'not_tls', {
    status: 'not_tls',
  });
  assert.equal(received.length, 0);
});

test('SSH on the TLS port is not TLS', async (t) => {
  await sendBad(t, 'SSH-2.0-OpenSSH_9.6\r\n', 'not_tls');
});

test('garbage is not TLS', async (t) => {
  await sendBad(t, Buffer.alloc(600, 0xa5), 'not_tls');
});

test('SSLv2 framing is refused', async (t) => {
  const hello = Buffer.from('802e0103010015000000100700c00300800100800600400400800200800000', 'hex');
  await sendBad(t, hello, 'hello_invalid', { status: 'sslv2_hello' });
});

test('a client that sends nothing is closed at the hello’s deadline', async (t) => {
  const started = performance.now();
  await sendBad(t, '', 'hello_timeout');
  assert.ok(performance.now() - started < 5_000);
});

test('one byte at a time does not move the hello’s deadline', async (t) => {
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const hello = await captureHello();
  const client = edge.connect();
  const drip = setInterval(() => client.write(hello.subarray(sent, ++sent)), 20);
  let sent = 0;
  t.after(() => clearInterval(drip));
  const audit = await edge.line();
  assert.equal(audit.event.action, 'hello_timeout');
  assert.ok(audit.event.duration < 700e6);
  await servesOthers(edge);
});

test('a hello cut after any byte ends with the client, and nobody else', async (t) => {
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const hello = await captureHello();
  const cuts = Array.from({ length: hello.length - 1 }, (_, index) => index + 1);
  await Promise.all(
    cuts.map(async (length) => {
      const client = edge.connect();
      const closed = untilClosed(client);
      client.end(hello.subarray(0, length));
      await closed;
    }),
  );
  while (edge.lines().length < cuts.length) await delay(20);
  const outcomes = new Set(edge.lines().map((line) => line.event.action));
  assert.deepEqual([...outcomes], ['client_closed']);
  await servesOthers(edge);
});

test('a hello of one byte a record is put together and served', async (t) => {
  const edge = await startTestEdge(t);
  const client = edge.connect();
  client.write(intoRecords(await captureHello({ servername: 'refused.test' }), 1));
  const { bytes } = await untilClosed(client);
  assert.equal(bytes[0], 0x15);
  const audit = await edge.line();
  assert.equal(audit.event.action, 'refused');
  assert.ok(audit.sallyport.hello.records! > 200);
});

for (const size of [16_385, 131_396]) {
  test(`a hello of more than ${size} bytes is refused before TLS sees it`, async (t) => {
    const hello = grown(await captureHello(), Math.min(size, 60_000));
    const bytes = Buffer.concat([hello, Buffer.alloc(Math.max(0, size - hello.length))]);
    const edge = await startTestEdge(t, { limits: TIMEOUTS });
    const client = edge.connect();
    client.write(bytes);
    const audit = await edge.line();
    assert.equal(audit.event.action, 'hello_too_large');
    await servesOthers(edge);
  });
}

test('a length that is one too long is named', async (t) => {
  const hello = await captureHello();
  const bad = Buffer.from(hello);
  // The length of the cipher suites, which now runs over what follows.
  const at = 9 + 34 + 1 + bad[43]!;
  bad.writeUInt16BE(bad.readUInt16BE(at) + 1, at);
  const received = await sendBad(t, bad, 'hello_invalid');
  assert.equal(received[0], 0x15);
});

test('a handshake length that is one too short leaves a byte that is refused', async (t) => {
  const bad = Buffer.from(await captureHello());
  bad.writeUIntBE(bad.readUIntBE(6, 3) - 1, 6, 3);
  await sendBad(t, bad, 'hello_invalid');
});

test('two hellos in one flight do not end in a served connection', async (t) => {
  const hello = await captureHello();
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const client = edge.connect();
  client.write(Buffer.concat([hello, hello]));
  const audit = await edge.line();
  assert.notEqual(audit.event.action, 'served');
  await servesOthers(edge);
});

test('a client that vanishes after its hello leaves a record', async (t) => {
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const client = edge.connect();
  client.write(await captureHello());
  await once(client, 'data');
  client.resetAndDestroy();
  assert.equal((await edge.line()).event.action, 'handshake_aborted');
  await servesOthers(edge);
});

test('a client that answers the server’s flight with garbage fails its handshake', async (t) => {
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const client = edge.connect();
  client.write(await captureHello());
  await once(client, 'data');
  client.write(Buffer.alloc(64, 0x5a));
  assert.equal((await edge.line()).event.action, 'handshake_failed');
  await servesOthers(edge);
});

test('a client that stalls in its handshake is closed at the deadline', async (t) => {
  const edge = await startTestEdge(t, { limits: TIMEOUTS });
  const client = edge.connect();
  const closed = untilClosed(client);
  client.write(await captureHello());
  await closed;
  const audit = await edge.line();
  assert.equal(audit.event.action, 'handshake_timeout');
  assert.ok(audit.event.duration < 2_000e6);
});

test('a process out of connections turns the next away and keeps those it has', async (t) => {
  const edge = await startTestEdge(t, { limits: { connections: 2 } });
  const kept: Socket[] = [edge.connect(), edge.connect()];
  await Promise.all(kept.map((socket) => once(socket, 'connect')));
  await until('both are accepted', () => edge.open() === 2);
  const { reset } = await untilClosed(edge.connect());
  assert.equal(reset, true);
  assert.equal((await edge.line()).event.action, 'over_capacity');
  for (const socket of kept) socket.destroy();
});

test('an upstream that is down is a 502 to its client only', async (t) => {
  const edge = await startTestEdge(t, { upstream: { protocol: 'http', url: 'http://127.0.0.1:9' } });
  const client = connect({ port: edge.port, host: '127.0.0.1', servername: 'localhost', ca: edge.ca });
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  const [data] = (await once(client, 'data')) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 502 /);
  assert.equal((await edge.line()).event.action, 'upstream_failed');
});
