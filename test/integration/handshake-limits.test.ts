/** What `handshake { … }` of a policy bounds, on a live edge. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello, grown, untilClosed } from '../support/hello.ts';

const ALERT_RECORD_OVERFLOW = Buffer.from([0x15, 3, 3, 0, 2, 2, 22]);
const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const IDLE_MS = 300;

function policy(handshake: string): string {
  return `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy served extends tls.intermediate { handshake { ${handshake} } }
site main { listen edge  sni any  score none  ladder { from 0 use served }  on_error use served }
`;
}

async function client({ port, ca }: TestEdge, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

/** Milliseconds until the edge has closed it. */
async function closedAfter(socket: TLSSocket): Promise<number> {
  const started = performance.now();
  socket.resume();
  await once(socket, 'close');
  return performance.now() - started;
}

test('a hello that is larger than its policy allows gets the alert record_overflow', async (t) => {
  const edge = await startTestEdge(t, { policy: policy('max_hello 2KiB') });
  const socket = edge.connect();
  socket.write(grown(await captureHello(), 2_048));
  const { bytes } = await untilClosed(socket);
  assert.deepEqual(bytes, ALERT_RECORD_OVERFLOW);
  const { event, error, rule, sallyport } = await edge.line();
  assert.equal(event.action, 'hello_too_large');
  assert.equal(sallyport.alert, 'record_overflow');
  assert.equal(rule.name, 'served');
  assert.match(error.message!, /its policy allows 2048$/);
});

test('a hello as large as its policy allows is served', async (t) => {
  const edge = await startTestEdge(t, { policy: policy('max_hello 2KiB') });
  const small = await captureHello();
  // The extension's header has 4 bytes, the record's 5.
  const exact = grown(small, 2_048 - (small.length - 5) - 4);
  assert.equal(exact.length, 2_048 + 5);
  const socket = edge.connect();
  socket.write(exact);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.equal(answer[0], 0x16, 'a handshake record');
  socket.destroy();
});

test('a hello that comes later than its policy allows is reset, though the listener would wait', async (t) => {
  const edge = await startTestEdge(t, { policy: policy('hello_timeout 200ms') });
  const hello = await captureHello();
  const socket = edge.connect();
  socket.write(hello.subarray(0, 20));
  await delay(350);
  const closed = untilClosed(socket);
  socket.write(hello.subarray(20));
  const { bytes, reset } = await closed;
  assert.equal(bytes.length, 0);
  assert.equal(reset, true);
  const { event, error } = await edge.line();
  assert.equal(event.action, 'hello_timeout');
  assert.match(error.message!, /later than the 200 ms of its policy/);
});

test('an HTTP/1.1 connection without a request is closed once it has been idle', async (t) => {
  const edge = await startTestEdge(t, { policy: policy(`idle ${IDLE_MS}ms`) });
  assert.ok((await closedAfter(await client(edge))) < 5_000);
  assert.equal((await edge.line()).event.action, 'idle_timeout');
});

test('a request starts the time of idle again', async (t) => {
  const edge = await startTestEdge(t, { policy: policy(`idle ${IDLE_MS}ms`) });
  const socket = await client(edge);
  for (let turn = 0; turn < 3; turn++) {
    await delay(IDLE_MS / 2);
    socket.write(GET);
    await once(socket, 'data');
  }
  await closedAfter(socket);
  const { event, sallyport } = await edge.line();
  assert.equal(event.action, 'idle_timeout');
  assert.equal(sallyport.http!.requests, 3);
});

test('a request that takes longer than idle is answered', async (t) => {
  const upstream = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', async () => {
      await delay(2 * IDLE_MS);
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate');
    });
  });
  const address = await listen(upstream);
  t.after(() => upstream.close());
  const edge = await startTestEdge(t, {
    policy: policy(`idle ${IDLE_MS}ms`),
    upstream: { protocol: 'http', url: `http://${address}` },
  });
  const socket = await client(edge);
  socket.write(GET);
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 200 /);
  await closedAfter(socket);
});

test('an HTTP/2 session without a request is closed once it has been idle', async (t) => {
  const edge = await startTestEdge(t, { policy: policy(`idle ${IDLE_MS}ms`) });
  const session = connectHttp2(`https://localhost:${edge.port}`, { ca: edge.ca });
  const request = session.request({ ':path': '/' });
  request.resume();
  await once(request, 'close');
  await once(session, 'close');
  const { event, tls, sallyport } = await edge.line();
  assert.equal(event.action, 'idle_timeout');
  assert.equal(tls.next_protocol, 'h2');
  assert.equal(sallyport.http!.requests, 1);
});

test('a WebSocket without a byte is closed once it has been idle', async (t) => {
  const edge = await startTestEdge(t, { policy: policy(`idle ${IDLE_MS}ms`) });
  const socket = await client(edge);
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 101 /);
  await closedAfter(socket);
  assert.equal((await edge.line()).event.action, 'idle_timeout');
});

test('a TCP stream without a byte is closed once it has been idle', async (t) => {
  const upstream = createServer((socket) => socket.on('error', () => {}).resume());
  const address = await listen(upstream);
  t.after(() => upstream.close());
  const edge = await startTestEdge(t, {
    policy: policy(`idle ${IDLE_MS}ms`),
    upstream: { protocol: 'tcp', address },
    listener: { alpn: [] },
  });
  const socket = await client(edge);
  socket.write('ping');
  await closedAfter(socket);
  const { event } = await edge.line();
  assert.equal(event.action, 'idle_timeout');
});

async function listen(server: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
