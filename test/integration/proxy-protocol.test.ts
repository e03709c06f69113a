import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { ProxyGate } from '../../src/edge/proxy-gate.ts';
import { SocketTransport } from '../../src/edge/transport.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge, type TestEdgeOptions } from '../support/edge.ts';
import { missingHaproxy, startHaproxy } from '../support/haproxy.ts';
import { writeMmdb } from '../support/mmdb-writer.ts';
import { missing, run, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const LISTED = { proxyProtocol: { from: ['127.0.0.1/32'] } };
const V1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n';
const V2_TCP4 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c6336401126701bb', 'hex');
const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

const start = (t: TestContext, options: TestEdgeOptions = {}): Promise<TestEdge> =>
  startTestEdge(t, { listener: LISTED, ...options });

/** A TLS client behind a header that goes out in `pieces`. */
async function handshake({ port, ca }: TestEdge, pieces: readonly (string | Uint8Array)[]): Promise<Socket> {
  const socket = new Socket();
  socket.on('error', () => {});
  socket.setNoDelay(true);
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  for (const piece of pieces) {
    socket.write(piece);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const tls = tlsConnect({ socket, servername: 'localhost', ca });
  tls.on('error', () => {});
  await once(tls, 'secureConnect');
  tls.end();
  return socket;
}

for (const [version, header, rest] of [
  ['1', V1, '192.0.2.7'],
  ['2', V2_TCP4, '192.0.2.7'],
] as const) {
  test(`the client is whom a header of version ${version} names, and its SYN and round trip are not known`, async (t) => {
    const edge = await start(t);
    await handshake(edge, [header]);
    const { source, sallyport, event } = await edge.line();
    assert.equal(event.action, 'served');
    assert.deepEqual([source.ip, source.port], [rest, 4711]);
    assert.equal(sallyport.proxy, '127.0.0.1');
    assert.deepEqual(
      [sallyport.syn, sallyport.os, sallyport.hops, sallyport.rtt_us],
      [null, null, null, null],
    );
  });

  test(`a header of version ${version} may come byte by byte`, async (t) => {
    const edge = await start(t);
    await handshake(
      edge,
      [...Buffer.from(header)].map((byte) => Uint8Array.of(byte)),
    );
    assert.equal((await edge.line()).source.ip, rest);
  });
}

test('the address that decides, and where it is from, are the client’s', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-geo-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const country = join(folder, 'country.mmdb');
  writeFileSync(country, writeMmdb({ networks: [['192.0.2.0/24', { country: { iso_code: 'NL' } }]] }));
  const policy = ACTIONS_POLICY.replace(
    'score none {',
    'ruleset r { deny proxied when conn.proxied and conn.country == NL do reset }\nscore none {',
  ).replaceAll('on_error use refused }', 'on_error use refused  rules [ r ] }');
  const edge = await start(t, { policy, geo: { country } });
  edge.write('blocked.txt', '198.51.100.9\n');
  assert.ok((await edge.edge.reload()).ok);
  await assert.rejects(handshake(edge, [V1.replace('192.0.2.7', '198.51.100.9')]));
  await edge.line((line) => line.source.ip === '198.51.100.9' && line.event.action === 'refused');
  await assert.rejects(handshake(edge, [V1]));
  const { sallyport } = await edge.line((line) => line.source.ip === '192.0.2.7');
  assert.deepEqual([sallyport.action, sallyport.matched], ['reset', ['proxied']]);
});

test('a proxy that speaks for itself or does not know the client stands for it', async (t) => {
  const edge = await start(t);
  await handshake(edge, [V2_LOCAL]);
  const { source, sallyport } = await edge.line();
  assert.deepEqual([source.ip, sallyport.proxy], ['127.0.0.1', null]);
  assert.notEqual(sallyport.syn, null);
  await handshake(edge, ['PROXY UNKNOWN\r\n']);
  const unknown = await edge.line((line) => line.sallyport.proxy === '127.0.0.1');
  assert.equal(unknown.source.ip, '127.0.0.1');
  assert.equal(unknown.sallyport.syn, null);
});

test('a header from a peer that is not listed is not TLS', async (t) => {
  const edge = await start(t, { listener: { proxyProtocol: { from: ['192.0.2.0/24'] } } });
  for (const header of [V1, V2_TCP4]) edge.connect().write(header);
  await until('two lines', () => edge.lines().length === 2);
  for (const { event, source } of edge.lines()) {
    assert.equal(event.action, 'not_tls');
    assert.equal(source.ip, '127.0.0.1');
  }
});

test('a listed peer without a header is turned away, unless the setting says otherwise', async (t) => {
  const strict = await start(t);
  await sClient(strict.port);
  const { event, error } = await strict.line();
  assert.deepEqual(
    [event.action, error.message],
    ['proxy_header_invalid', 'a listed proxy sent no PROXY header'],
  );
  const lax = await start(t, { listener: { proxyProtocol: { ...LISTED.proxyProtocol, require: false } } });
  await sClient(lax.port);
  const direct = await lax.line();
  assert.deepEqual([direct.event.action, direct.sallyport.proxy], ['served', null]);
  assert.notEqual(direct.sallyport.syn, null);
  await handshake(lax, [V2_TCP4]);
  await lax.line((line) => line.source.ip === '192.0.2.7');
});

test('broken, endless and dripping headers come to a named end', async (t) => {
  const edge = await start(t, { limits: { helloTimeout: '300ms' } });
  edge.connect().write('PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n');
  edge.connect().write(`PROXY ${'x'.repeat(500)}`);
  edge.connect().write(V2_TCP4.subarray(0, 20));
  edge.connect().write(V1);
  edge.connect().end('PROX');
  const dripping = edge.connect();
  const drip = setInterval(() => dripping.write('P'), 20);
  t.after(() => clearInterval(drip));
  await until('six lines', () => edge.lines().length === 6);
  const ends = edge.lines().map(({ event, error }) => `${event.action}: ${error.message}`);
  assert.deepEqual(ends.sort(), [
    'client_closed: null',
    'hello_timeout: no bytes before the deadline',
    'hello_timeout: the PROXY header was not complete',
    'proxy_header_invalid: a PROXY line does not hold two addresses and two ports',
    'proxy_header_invalid: a PROXY line is longer than 107 bytes',
    'proxy_header_invalid: a listed proxy sent no PROXY header',
  ]);
});

test('header and hello share one deadline', async (t) => {
  const edge = await start(t, { limits: { helloTimeout: '400ms' } });
  const socket = edge.connect();
  socket.write(V1.slice(0, 10));
  setTimeout(() => socket.write(V1.slice(10)), 300);
  const { event } = await edge.line();
  assert.equal(event.action, 'hello_timeout');
  assert.ok(event.duration < 650e6, `${event.duration / 1e6} ms`);
});

test('without the addon the header is taken from the socket, and the hello behind it stays', async (t) => {
  const gate = new ProxyGate(['127.0.0.1/32'], true);
  const hello = Buffer.from('16030102000100', 'hex');
  for (const cut of [1, 6, 27, 28, 29, 33]) {
    const server = createServer((socket) => {
      const transport = new SocketTransport(socket);
      const facts = { listener: 'edge', ip: new Uint8Array(16), isV4: true, port: 1, syn: null, rttUs: 1 };
      gate.pass(
        transport,
        { ...facts, proxied: false, nowMs: 0, inflight: 0 },
        null,
        { helloBytes: 16_384, timeoutMs: 5_000 },
        (end) => {
          assert.ok('facts' in end, JSON.stringify(end));
          assert.deepEqual([...end.facts.ip.subarray(12)], [192, 0, 2, 7]);
          const parse = (_: Uint8Array, length: number): number => (length >= hello.length ? 0 : 1);
          transport.readHello({ maxBytes: 100, timeoutMs: 5_000, parse }, () => {
            socket.once('data', (data: Buffer) => socket.end(data));
          });
        },
      );
    });
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bytes = Buffer.concat([V2_TCP4, hello]);
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.setNoDelay(true);
    client.write(bytes.subarray(0, cut));
    await new Promise((resolve) => setImmediate(resolve));
    client.write(bytes.subarray(cut));
    const [echoed] = (await once(client, 'data')) as [Buffer];
    assert.deepEqual(echoed, hello, `cut at ${cut}`);
  }
});

test('curl --haproxy-protocol is served', { skip: await missing('curl') }, async (t) => {
  const edge = await start(t);
  const resolve = ['--resolve', `localhost:${edge.port}:127.0.0.1`, '--cacert', edge.caFile];
  const url = `https://localhost:${edge.port}/`;
  for (const extra of [[], ['--haproxy-clientip', '192.0.2.55']]) {
    const { code, stdout, stderr } = await run('curl', [
      '-sS',
      '--haproxy-protocol',
      ...extra,
      ...resolve,
      url,
    ]);
    if (extra.length > 0 && /unknown|unrecognized/.test(stderr)) continue;
    assert.equal(code, 0, stderr);
    const ip = extra[1] ?? '127.0.0.1';
    assert.equal(JSON.parse(stdout).headers['x-forwarded-for'], ip);
    await edge.line((line) => line.source.ip === ip && line.sallyport.proxy === '127.0.0.1');
  }
});

const haproxy = await missingHaproxy();

for (const send of ['send-proxy', 'send-proxy-v2', 'send-proxy-v2 proxy-v2-options crc32c,unique-id']) {
  test(`a client behind HAProxy with ${send} is known by its own address`, { skip: haproxy }, async (t) => {
    const edge = await start(t);
    const [port] = await startHaproxy(t, [{ edge: edge.port, send }]);
    const address = '127.0.0.44';
    const { code, stdout, stderr } = await run('curl', [
      '-sS',
      ...['--interface', address, '--resolve', `localhost:${port}:127.0.0.1`, '--cacert', edge.caFile],
      `https://localhost:${port}/`,
    ]);
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).headers['x-forwarded-for'], address);
    const line = await edge.line(({ source }) => source.ip === address);
    assert.deepEqual([line.event.action, line.sallyport.proxy], ['served', '127.0.0.1']);
  });
}
