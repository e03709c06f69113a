import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type HelloEnd, type HelloReaderOptions, readHello } from '../../src/edge/hello-reader.ts';

interface Reading {
  readonly client: Socket;
  readonly server: Socket;
  readonly result: Promise<{ end: HelloEnd; length: number; reads: number }>;
}

/** A parser that wants a message ended by a full stop and refuses one that starts with `!`. */
function parse(bytes: Uint8Array, length: number): number {
  if (bytes[0] === 0x21) return -7;
  return bytes[length - 1] === 0x2e ? 0 : 1;
}

async function reading(t: TestContext, options: Partial<HelloReaderOptions> = {}): Promise<Reading> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  const [server] = (await once(listener, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    server.destroy();
    listener.close();
  });
  const result = new Promise<{ end: HelloEnd; length: number; reads: number }>((resolve) => {
    readHello(server, { maxBytes: 16, timeoutMs: 5_000, parse, ...options }, (end, length, reads) =>
      resolve({ end, length, reads }),
    );
  });
  return { client, server, result };
}

test('a message in two segments is complete after the second and is put back whole', async (t) => {
  const { client, server, result } = await reading(t);
  client.setNoDelay(true).write('hel');
  await delay(20);
  client.write('lo.');
  assert.deepEqual(await result, { end: 'complete', length: 6, reads: 2 });
  const [data] = (await once(server, 'data')) as [Buffer];
  assert.equal(data.toString(), 'hello.');
});

test('one byte more than the cap ends the reading', async (t) => {
  const { client, result } = await reading(t);
  client.write('x'.repeat(1_000));
  const { end, length } = await result;
  assert.equal(end, 'too_large');
  assert.equal(length, 17);
});

test('exactly the cap is still read', async (t) => {
  const { client, result } = await reading(t);
  client.write(`${'x'.repeat(15)}.`);
  assert.equal((await result).end, 'complete');
});

test('the deadline is not moved by bytes that trickle in', async (t) => {
  const { client, result } = await reading(t, { timeoutMs: 60 });
  const trickle = setInterval(() => client.write('x'), 10);
  t.after(() => clearInterval(trickle));
  const started = performance.now();
  assert.equal((await result).end, 'timeout');
  assert.ok(performance.now() - started < 1_000);
});

test('a refused message gives the status of the parser', async (t) => {
  const { client, result } = await reading(t);
  client.write('!');
  assert.equal((await result).end, -7);
});

test('a client that leaves early ends the reading', async (t) => {
  const { client, result } = await reading(t);
  client.end('hel');
  assert.equal((await result).end, 'closed');
});

test('a client that resets ends the reading without an error', async (t) => {
  const { client, result } = await reading(t);
  client.write('hel');
  await delay(10);
  client.resetAndDestroy();
  assert.equal((await result).end, 'closed');
});
