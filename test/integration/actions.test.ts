import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { startTestEdge } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';
import { sClient } from '../support/tools.ts';

const ALERT_ACCESS_DENIED = Buffer.from([0x15, 3, 3, 0, 2, 2, 49]);

test('a refused client gets the alert the policy names, as a record before any handshake', async (t) => {
  const { connect: open, line } = await startTestEdge(t);
  const client = open();
  client.write(await captureHello({ servername: 'refused.test' }));
  const { bytes, reset } = await untilClosed(client);
  assert.deepEqual(bytes, ALERT_ACCESS_DENIED);
  assert.equal(reset, false);
  const audit = await line();
  assert.equal(audit.event.action, 'refused');
  assert.equal(audit.sallyport.alert, 'access_denied');
  assert.equal(audit.rule.name, 'refused');
  assert.equal(audit.tls.established, false);
});

test('openssl names the alert that a refusal sends', async (t) => {
  const { port } = await startTestEdge(t);
  const { stderr } = await sClient(port, '-servername', 'refused.test');
  assert.match(stderr, /tlsv1 alert access denied/);
});

test('a reset client sees its connection reset and no byte', async (t) => {
  const { connect: open, line } = await startTestEdge(t);
  const client = open();
  client.write(await captureHello({ servername: 'reset.test' }));
  const { bytes, reset } = await untilClosed(client);
  assert.equal(bytes.length, 0);
  assert.equal(reset, true);
  assert.equal((await line()).event.action, 'reset');
});

test('a dropped client hears nothing at all until the handshake deadline', async (t) => {
  const { connect: open, line } = await startTestEdge(t, { limits: { handshakeTimeout: '400ms' } });
  const client = open();
  client.write(await captureHello({ servername: 'dropped.test' }));
  const started = performance.now();
  const { bytes } = await untilClosed(client);
  assert.equal(bytes.length, 0);
  assert.ok(performance.now() - started >= 350);
  assert.equal((await line()).event.action, 'dropped');
});

test('a tarpitted client is held for as long as the policy says', async (t) => {
  const { connect: open, line } = await startTestEdge(t);
  const client = open();
  client.write(await captureHello({ servername: 'held.test' }));
  const started = performance.now();
  const { bytes } = await untilClosed(client);
  assert.equal(bytes.length, 0);
  assert.ok(performance.now() - started >= 250);
  assert.equal((await line()).event.action, 'tarpitted');
});

test('a full tarpit lets its oldest client go', async (t) => {
  const { connect: open, line } = await startTestEdge(t, { limits: { tarpits: 1 } });
  const hello = await captureHello({ servername: 'held.test' });
  const first = open();
  first.write(hello);
  await once(first, 'ready');
  const closed = untilClosed(first);
  await new Promise((resolve) => setTimeout(resolve, 50));
  open().write(hello);
  await closed;
  assert.equal((await line()).error.message, 'hold ended: evicted');
});

test('a client that leaves the tarpit is forgotten at once', async (t) => {
  const { connect: open, line } = await startTestEdge(t);
  const client = open();
  client.write(await captureHello({ servername: 'held.test' }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  client.destroy();
  const audit = await line();
  assert.ok(audit.event.duration < 250e6, 'it ended before the 300 ms were over');
});

test('a client over a limit meets the limit’s outcome', async (t) => {
  const { port, ca, line } = await startTestEdge(t);
  for (let turn = 0; turn < 3; turn++) {
    const client = connect({ port, host: '127.0.0.1', servername: 'limited.test', ca });
    client.on('error', () => {});
    client.once('secureConnect', () => client.end());
    await untilClosed(client);
  }
  const audit = await line((entry) => entry.event.action === 'limited');
  assert.equal(audit.sallyport.tier, 'limit');
  assert.deepEqual(audit.sallyport.matched, ['few']);
});

test('a listed address is refused by its score', async (t) => {
  const { port, write, edge, line } = await startTestEdge(t);
  write('blocked.txt', '127.0.0.1/32\n');
  assert.equal((await edge.reload()).ok, true);
  const { stderr } = await sClient(port, '-servername', 'localhost');
  assert.match(stderr, /alert access denied/);
  const audit = await line();
  assert.equal(audit.risk.calculated_score, 100);
  assert.deepEqual(audit.sallyport.matched, ['listed']);
});
