import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { TLV } from '../../src/edge/proxy-format.ts';
import { makeCertificate } from '../support/certificate.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge, type TestEdgeOptions } from '../support/edge.ts';
import { captureHello, untilClosed } from '../support/hello.ts';
import { decodeProxyV2 } from '../support/proxy-v2.ts';
import { missing, run, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

/** All names of the test edge's policy pass through, but those that are to be served. */
const PASSED = { 'passed.test': 'behind', '*.passed.test': 'behind', 'refused.test': 'behind' };
const REST = { 'reset.test': 'behind', 'held.test': 'behind', 'limited.test': 'behind' };

async function listen(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Behind {
  readonly edge: TestEdge;
  /** PEM of the upstream's own certificate. */
  readonly ca: string;
}

/** An edge that passes names through to a TLS server which sends back what it gets. */
async function startBehind(
  t: TestContext,
  upstream: Readonly<Record<string, unknown>> = {},
  options: TestEdgeOptions = {},
): Promise<Behind> {
  const pair = await makeCertificate({ names: ['passed.test', 'deep.passed.test', 'limited.test'] });
  const server = createTlsServer(
    { cert: pair.certificate, key: pair.key, allowHalfOpen: true },
    (socket: TLSSocket) => {
      socket.on('error', () => {});
      socket.pipe(socket);
    },
  );
  const port = await listen(t, server);
  const edge = await startBefore(t, port, upstream, options);
  return { edge, ca: pair.certificate };
}

/** An edge that passes names through to this port. */
function startBefore(
  t: TestContext,
  port: number,
  upstream: Readonly<Record<string, unknown>> = {},
  options: TestEdgeOptions = {},
): Promise<TestEdge> {
  return startTestEdge(t, {
    listener: { passthrough: { ...PASSED, ...REST } },
    upstreams: { behind: { protocol: 'tcp', address: `127.0.0.1:${port}`, ...upstream } },
    ...options,
  });
}

const passed = (entry: { readonly event: { readonly action: string } }): boolean =>
  entry.event.action === 'passed_through';

/** A TLS client of a name that passes through. */
function client({ edge, ca }: Behind, servername: string): TLSSocket {
  const socket = connectTls({ port: edge.port, host: '127.0.0.1', servername, ca });
  socket.allowHalfOpen = true;
  return socket.on('error', () => {});
}

async function answerTo(socket: TLSSocket, sent: Buffer | string): Promise<Buffer> {
  socket.end(sent);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('clients see the upstream’s certificate, and the edge’s for the names that it serves', async (t) => {
  const behind = await startBehind(t);
  const { edge } = behind;
  const fingerprint = (pem: string): string =>
    createHash('sha256')
      .update(Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64'))
      .digest('hex');
  for (const name of ['passed.test', 'deep.passed.test']) {
    const { stdout } = await sClient(edge.port, '-servername', name, '-showcerts');
    const shown = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(stdout)![0];
    assert.equal(fingerprint(shown), fingerprint(behind.ca));
  }
  const served = await sClient(edge.port, '-servername', 'other.test', '-showcerts');
  const shown = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/.exec(served.stdout)![0];
  assert.equal(fingerprint(shown), fingerprint(edge.ca));
  const audit = await edge.line(passed);
  assert.equal(audit.tls.established, false, 'by the edge');
  assert.equal(audit.rule.name, 'served');
  assert.match(audit.sallyport.hello.ja4 ?? '', /^t13d/);
  assert.equal(audit.error.message, null);
});

test('curl talks to the server behind', { skip: await missing('curl') }, async (t) => {
  const pair = await makeCertificate({ names: ['passed.test'] });
  const server = createTlsServer({ cert: pair.certificate, key: pair.key }, (socket) =>
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbehind'),
  );
  const edge = await startBefore(t, await listen(t, server));
  edge.write('behind.pem', pair.certificate);
  const { stdout } = await run('curl', [
    ...['-sS', '--cacert', `${edge.directory}/behind.pem`],
    ...['--resolve', `passed.test:${edge.port}:127.0.0.1`, `https://passed.test:${edge.port}/`],
  ]);
  assert.equal(stdout, 'behind');
});

test('the hello arrives byte for byte, in whatever pieces it came', async (t) => {
  const arrived: Buffer[] = [];
  const server = createServer((socket) => {
    const index = arrived.push(Buffer.alloc(0)) - 1;
    socket.on('data', (chunk: Buffer) => {
      arrived[index] = Buffer.concat([arrived[index]!, chunk]);
    });
  });
  const edge = await startBefore(t, await listen(t, server));
  const hello = await captureHello({ servername: 'passed.test' });
  const pieces: readonly (readonly Buffer[])[] = [
    [hello],
    [hello.subarray(0, 3), hello.subarray(3, 700), hello.subarray(700)],
    [Buffer.concat([hello, Buffer.from('early bytes behind it')])],
  ];
  for (const each of pieces) {
    const before = arrived.length;
    const socket = edge.connect().setNoDelay(true);
    for (const piece of each) {
      socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const sent = Buffer.concat(each);
    await until('all of it arrived', () => arrived[before]?.length === sent.length);
    const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
    assert.equal(hash(arrived[before]!), hash(sent));
    socket.destroy();
  }
});

test('large transfers go both ways, and each direction ends by itself', async (t) => {
  const behind = await startBehind(t);
  const socket = client(behind, 'passed.test');
  const sent = Buffer.alloc(8 << 20, 'not all alike ');
  assert.ok((await answerTo(socket, sent)).equals(sent));
  const audit = await behind.edge.line(passed);
  assert.ok(audit.source.bytes > sent.length && audit.destination.bytes > sent.length);
});

test('an upstream that is down ends the connection in order, and is audited', async (t) => {
  const edge = await startBefore(t, 1);
  const socket = edge.connect();
  socket.write(await captureHello({ servername: 'passed.test' }));
  const { bytes, reset } = await untilClosed(socket);
  assert.deepEqual(bytes, Buffer.from([0x15, 3, 3, 0, 2, 2, 80]), 'alert internal_error');
  assert.equal(reset, false);
  const audit = await edge.line();
  assert.equal(audit.event.action, 'upstream_failed');
  assert.equal(audit.error.message, 'upstream_unreachable');
});

test('an upstream that breaks off is audited', async (t) => {
  const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
  const edge = await startBefore(t, await listen(t, server));
  const socket = edge.connect();
  socket.write(await captureHello({ servername: 'passed.test' }));
  await untilClosed(socket);
  assert.equal((await edge.line()).error.message, 'upstream_closed');
});

test('silence in both directions ends the connection', async (t) => {
  const server = createServer(() => {});
  const edge = await startBefore(t, await listen(t, server), { idleTimeout: '1s' });
  const socket = edge.connect();
  socket.write(await captureHello({ servername: 'passed.test' }));
  await untilClosed(socket);
  assert.equal((await edge.line()).event.action, 'idle_timeout');
});

test('what a policy does before TLS is done to names that pass through', async (t) => {
  const connections: Socket[] = [];
  const server = createServer((socket) => connections.push(socket));
  const edge = await startBefore(t, await listen(t, server));
  const open = async (servername: string): Promise<Awaited<ReturnType<typeof untilClosed>>> => {
    const socket = edge.connect();
    socket.write(await captureHello({ servername }));
    return untilClosed(socket);
  };
  assert.deepEqual((await open('refused.test')).bytes, Buffer.from([0x15, 3, 3, 0, 2, 2, 49]));
  assert.equal((await open('reset.test')).reset, true);
  assert.equal((await open('held.test')).bytes.length, 0);
  assert.equal((await edge.line((line) => line.event.action === 'tarpitted')).rule.name, 'held');
  assert.equal(connections.length, 0, 'the upstream heard of none of them');
});

test('limits count clients that pass through', async (t) => {
  const behind = await startBehind(t);
  for (let turn = 0; turn < 2; turn++) {
    assert.equal(String(await answerTo(client(behind, 'limited.test'), 'hello')), 'hello');
  }
  await untilClosed(client(behind, 'limited.test'));
  assert.equal((await behind.edge.line((line) => line.event.action === 'limited')).sallyport.tier, 'limit');
});

test('the PROXY header goes before the hello, and says nothing of a TLS that ends elsewhere', async (t) => {
  const got = Promise.withResolvers<Buffer>();
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length > 1_000) got.resolve(bytes);
    });
  });
  const edge = await startBefore(t, await listen(t, server), { proxyProtocol: true });
  const hello = await captureHello({ servername: 'deep.passed.test' });
  const socket = edge.connect();
  socket.write(hello);
  const bytes = await got.promise;
  const { source, destination, fields, length } = decodeProxyV2(bytes);
  assert.equal(source, `127.0.0.1 ${socket.localPort}`);
  assert.equal(destination, `127.0.0.1 ${edge.port}`);
  assert.equal(fields.get(TLV.authority)?.toString(), 'deep.passed.test');
  assert.equal(fields.get(TLV.policy)?.toString(), 'served');
  assert.match(fields.get(TLV.ja4)!.toString(), /^t13d/);
  for (const absent of [TLV.ssl, TLV.sslVersion, TLV.sslCipher, TLV.alpn]) {
    assert.equal(fields.get(absent), undefined);
  }
  assert.ok(bytes.subarray(length).equals(hello));
  socket.destroy();
});

test('a listener that passes everything through needs no certificate', async (t) => {
  const behind = await startBehind(
    t,
    {},
    {
      listener: { passthrough: { '*': 'behind' }, certificates: undefined, upstream: undefined },
      // why: a challenge cannot be posed to anyone here, so no policy may have one.
      policy: ACTIONS_POLICY.replace(/^site puzzled .*$/m, '').replace('{ challenge puzzle ', '{ '),
    },
  );
  assert.equal(String(await answerTo(client(behind, 'passed.test'), 'hello')), 'hello');
  const { stdout } = await sClient(behind.edge.port, '-noservername');
  assert.match(stdout, /BEGIN CERTIFICATE/);
  await behind.edge.line((line) => passed(line) && line.tls.client.server_name === null);
});

test('clients that pass through are ended when the edge stops', async (t) => {
  const server = createServer((socket) => socket.resume());
  const edge = await startBefore(t, await listen(t, server));
  const socket = connectTcp(edge.port, '127.0.0.1').on('error', () => {});
  socket.write(await captureHello({ servername: 'passed.test' }));
  await until(
    'it is joined',
    async () => (await new Promise<number>((resolve) => server.getConnections((_, n) => resolve(n)))) === 1,
  );
  const closed = untilClosed(socket);
  await edge.edge.stop();
  await closed;
  assert.equal(edge.lines()[0]?.event.action, 'drained');
});
