import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { TcpUpstreamConfig } from '../../src/config/schema.ts';
import { TLV } from '../../src/edge/proxy-format.ts';
import { type ClientSummary, connectTcpUpstream } from '../../src/edge/tcp-proxy.ts';
import { makeCertificate } from '../support/certificate.ts';
import { decodeProxyV2 } from '../support/proxy-v2.ts';

const certificate = await makeCertificate({ names: ['localhost'] });

const CONTEXT: ClientSummary = {
  clientIp: '192.0.2.7',
  clientPort: 4711,
  sni: 'shop.example',
  score: 12,
  policy: 'trusted',
  ja4: 't13d1516h2_8daaf6152771_02713d6af862',
};

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What a socket receives until the other side ends; unlike an iterator it leaves the socket open. */
function receive(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  return new Promise((resolve) => socket.once('end', () => resolve(Buffer.concat(chunks))));
}

async function closed(socket: Socket): Promise<void> {
  socket.allowHalfOpen = false;
  if (!socket.resume().closed) await once(socket, 'close');
}

interface Edge {
  readonly client: TLSSocket;
  /** How the relay ended. */
  readonly ended: Promise<string | null>;
}

/** A client whose TLS ends at an edge that relays to this port. */
async function edge(t: TestContext, port: number, settings: Partial<TcpUpstreamConfig> = {}): Promise<Edge> {
  const config: TcpUpstreamConfig = {
    protocol: 'tcp',
    address: { host: '127.0.0.1', port },
    proxyProtocol: false,
    connectTimeout: 1000,
    idleTimeout: 5000,
    ...settings,
  };
  const ended = Promise.withResolvers<string | null>();
  const server = createTlsServer({
    cert: certificate.certificate,
    key: certificate.key,
    ALPNProtocols: ['proto/1'],
    allowHalfOpen: true,
  });
  server.on('secureConnection', (tls) => connectTcpUpstream(config, tls, CONTEXT, ended.resolve));
  const edgePort = await listen(t, server);
  const client = connectTls({ port: edgePort, rejectUnauthorized: false, ALPNProtocols: ['proto/1'] });
  client.allowHalfOpen = true;
  client.on('error', () => {});
  await once(client, 'secureConnect');
  return { client, ended: ended.promise };
}

test('bytes go both ways and an orderly end is no error', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => socket.pipe(socket)),
  );
  const { client, ended } = await edge(t, port);
  client.end('there and back');
  assert.equal(String(await receive(client)), 'there and back');
  assert.equal(await ended, null);
});

test('the upstream may answer after the client has ended', async (t) => {
  const origin = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('end', () => setTimeout(() => socket.end(`late ${text}`), 30));
  });
  const { client } = await edge(t, await listen(t, origin));
  client.end('question');
  assert.equal(String(await receive(client)), 'late question');
});

test('the client may send on after the upstream has ended', async (t) => {
  const got = Promise.withResolvers<string>();
  const origin = createServer({ allowHalfOpen: true }, async (socket) => {
    socket.end('bye');
    got.resolve(String(await receive(socket)));
  });
  const { client, ended } = await edge(t, await listen(t, origin));
  assert.equal(String(await receive(client)), 'bye');
  client.end('more');
  assert.equal(await got.promise, 'more');
  assert.equal(await ended, null);
});

test('a megabyte arrives whole', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => socket.pipe(socket)),
  );
  const { client } = await edge(t, port);
  const sent = Buffer.alloc(1 << 20, 'abc');
  client.end(sent);
  assert.ok(sent.equals(await receive(client)));
});

test('an upstream that is down ends the connection', async (t) => {
  const { client, ended } = await edge(t, 1);
  assert.equal(await ended, 'upstream_unreachable');
  await closed(client);
});

test('an upstream that breaks off ends the connection', async (t) => {
  const port = await listen(
    t,
    createServer((socket) => setTimeout(() => socket.resetAndDestroy(), 20)),
  );
  const { client, ended } = await edge(t, port);
  assert.equal(await ended, 'upstream_closed');
  await closed(client);
});

test('a client that breaks off ends the upstream’s connection', async (t) => {
  const gone = Promise.withResolvers<void>();
  const origin = createServer((socket) => {
    socket.resume().on('error', () => {});
    socket.once('close', () => gone.resolve());
  });
  const { client, ended } = await edge(t, await listen(t, origin));
  client.write('x');
  await sleep(30);
  client.destroy();
  await gone.promise;
  await ended;
});

test('silence in both directions ends the connection', async (t) => {
  const port = await listen(
    t,
    createServer(() => {}),
  );
  const { ended } = await edge(t, port, { idleTimeout: 50 });
  assert.equal(await ended, 'idle_timeout');
});

test('traffic in one direction keeps the connection', async (t) => {
  const origin = createServer((socket) => {
    let left = 10;
    const timer = setInterval(() => {
      socket.write('.');
      if (--left === 0) {
        clearInterval(timer);
        socket.end();
      }
    }, 15);
  });
  const { client } = await edge(t, await listen(t, origin), { idleTimeout: 80 });
  assert.equal(String(await receive(client)), '..........');
});

test('the PROXY header comes first, once', async (t) => {
  const got = Promise.withResolvers<Buffer>();
  const origin = createServer(async (socket) => got.resolve(await receive(socket)));
  const { client } = await edge(t, await listen(t, origin), { proxyProtocol: true });
  client.end('payload');
  const bytes = await got.promise;
  const { source, destination, fields, length } = decodeProxyV2(bytes);
  assert.equal(source, '192.0.2.7 4711');
  assert.equal(destination, `127.0.0.1 ${client.remotePort}`);
  assert.equal(fields.get(TLV.alpn)?.toString(), 'proto/1');
  assert.equal(fields.get(TLV.sslVersion)?.toString(), 'TLSv1.3');
  assert.equal(fields.get(TLV.sslCipher)?.toString(), client.getCipher().name);
  assert.equal(bytes.subarray(length).toString(), 'payload');
});

const haproxy = `${process.env.PATH ?? ''}${delimiter}/usr/sbin`
  .split(delimiter)
  .map((folder) => join(folder, 'haproxy'))
  .find((file) => existsSync(file));

test('HAProxy takes the PROXY header, checksum and fields', {
  skip: haproxy ? false : 'no haproxy',
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-haproxy-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const spare = createServer();
  const port = await listen(t, spare);
  spare.close();
  await once(spare, 'close');
  const reply =
    '%[src]|%[src_port]|%[fc_pp_authority]|%[fc_pp_tlv(0xE0)]|%[fc_pp_tlv(0xE1)]|%[fc_pp_tlv(0xE2)]';
  const older = '%[src]|%[src_port]|%[fc_pp_authority]';
  const configuration = (format: string) => `
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend in
  bind 127.0.0.1:${port} accept-proxy
  http-request return status 200 content-type text/plain lf-string "${format}"
`;
  const file = join(folder, 'haproxy.cfg');
  let expected = `${CONTEXT.clientIp}|${CONTEXT.clientPort}|${CONTEXT.sni}|12|trusted|${CONTEXT.ja4}`;
  await writeFile(file, configuration(reply));
  const check = spawn(haproxy!, ['-c', '-q', '-f', file], { stdio: 'ignore' });
  const [status] = (await once(check, 'exit')) as [number];
  if (status !== 0) {
    // HAProxy before 2.9 cannot show fields by number.
    await writeFile(file, configuration(older));
    expected = expected.split('|').slice(0, 3).join('|');
  }
  const child = spawn(haproxy!, ['-db', '-f', file], { stdio: 'ignore' });
  t.after(() => child.kill('SIGKILL'));
  for (let tries = 0; tries < 200; tries++) {
    const probe = connect(port, '127.0.0.1');
    const up = await Promise.race([
      once(probe, 'connect').then(() => true),
      once(probe, 'close').then(() => false),
    ]).catch(() => false);
    probe.destroy();
    if (up) break;
    await sleep(20);
  }
  const { client } = await edge(t, port, { proxyProtocol: true });
  client.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const text = String(await receive(client));
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.equal(text.slice(text.indexOf('\r\n\r\n') + 4), expected);
});
