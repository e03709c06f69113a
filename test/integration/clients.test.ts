import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { request } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { startTestEdge } from '../support/edge.ts';
import { run } from '../support/tools.ts';

interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

for (const [version, flag] of [
  ['1.1', '--http1.1'],
  ['2', '--http2'],
] as const) {
  test(`curl is served over HTTP/${version}, and the upstream learns what was decided`, async (t) => {
    const { port, caFile, line } = await startTestEdge(t);
    const { code, stdout } = await run('curl', [
      '--silent',
      flag,
      '--cacert',
      caFile,
      '--data',
      'ping',
      '--header',
      'X-Sallyport-Score: 0',
      '--header',
      'X_Sallyport_Policy: forged',
      `https://localhost:${port}/path?query`,
    ]);
    assert.equal(code, 0);
    const { method, url, headers, body } = JSON.parse(stdout) as Echo;
    assert.deepEqual({ method, url, body }, { method: 'POST', url: '/path?query', body: 'ping' });
    assert.equal(headers['x-sallyport-policy'], 'served');
    assert.equal(headers['x-forwarded-proto'], 'https');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.match(headers['x-ja4-fingerprint']!, /^t13d/);
    assert.equal(headers.x_sallyport_policy, undefined);
    const audit = await line();
    assert.equal(audit.event.action, 'served');
    assert.equal(audit.tls.next_protocol, version === '2' ? 'h2' : 'http/1.1');
    assert.equal(audit.sallyport.http!.requests, 1);
  });
}

for (const [flag, version] of [
  ['-tls1_2', 'TLSv1.2'],
  ['-tls1_3', 'TLSv1.3'],
] as const) {
  test(`openssl s_client ${flag} completes its handshake and is served`, async (t) => {
    const { port, caFile, line } = await startTestEdge(t);
    const { stdout } = await run(
      'openssl',
      [
        's_client',
        '-connect',
        `127.0.0.1:${port}`,
        '-servername',
        'localhost',
        flag,
        '-CAfile',
        caFile,
        '-ign_eof',
      ],
      'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    assert.match(stdout, new RegExp(`Protocol\\s*: ${version}|New, ${version}`));
    assert.match(stdout, /HTTP\/1\.1 200 OK/);
    assert.equal((await line()).tls.version, version.slice(4));
  });
}

test('the policy’s profile decides the version, the suite and the group', async (t) => {
  const { port, ca, line } = await startTestEdge(t);
  const client = connect({ port, host: '127.0.0.1', servername: 'modern.test', ca, maxVersion: 'TLSv1.2' });
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  assert.match(error.message, /alert protocol version/);
  const audit = await line();
  assert.equal(audit.event.action, 'handshake_failed');
  assert.equal(audit.rule.name, 'modern');
});

test('the negotiated group is on record', async (t) => {
  const { port, ca, line } = await startTestEdge(t);
  const client = connect({ port, host: '127.0.0.1', servername: 'modern.test', ca, ecdhCurve: 'P-256' });
  await once(client, 'secureConnect');
  client.end();
  const { tls } = await line();
  assert.equal(tls.version, '1.3');
  assert.equal(tls.curve, 'secp256r1');
});

test('an upgraded connection passes both ways', async (t) => {
  const { port, ca, line } = await startTestEdge(t);
  const upgrading = request({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca,
    headers: { Host: 'localhost', Connection: 'Upgrade', Upgrade: 'websocket' },
  });
  upgrading.end();
  const [, socket] = (await once(upgrading, 'upgrade')) as [unknown, import('node:net').Socket];
  socket.write('across');
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.equal(data.toString(), 'across');
  socket.destroy();
  assert.equal((await line()).event.action, 'served');
});

test('many streams of one HTTP/2 connection are one audit line', async (t) => {
  const { port, ca, line } = await startTestEdge(t);
  const session = connectHttp2(`https://localhost:${port}`, { ca });
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async (_, index) => {
      const stream = session.request({ ':path': `/${index}` });
      stream.resume();
      const [headers] = (await once(stream, 'response')) as [Record<string, number>];
      await once(stream, 'close');
      return headers[':status'];
    }),
  );
  assert.deepEqual(new Set(statuses), new Set([200]));
  session.close();
  assert.equal((await line()).sallyport.http!.requests, 20);
});

test('an own header is stripped from an HTTP/2 client too', async (t) => {
  const { port, ca } = await startTestEdge(t);
  const session = connectHttp2(`https://localhost:${port}`, { ca });
  const stream = session.request({
    ':path': '/',
    'x-forwarded-for': '6.6.6.6',
    'x-ja4-fingerprint': 'forged',
  });
  stream.setEncoding('utf8');
  let text = '';
  stream.on('data', (chunk: string) => {
    text += chunk;
  });
  await once(stream, 'end');
  session.close();
  const { headers } = JSON.parse(text) as Echo;
  assert.equal(headers['x-forwarded-for'], '127.0.0.1');
  assert.match(headers['x-ja4-fingerprint']!, /^t13d/);
});

test('a TCP upstream gets the plain bytes after a PROXY header that names the client', async (t) => {
  const upstream = createServer((socket) => {
    socket.once('data', (bytes: Buffer) =>
      socket.end(`${bytes.subarray(0, 12).toString('hex')} ${bytes.subarray(-4)}`),
    );
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  t.after(() => upstream.close());
  const { port, ca, line } = await startTestEdge(t, {
    upstream: {
      protocol: 'tcp',
      address: `127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      proxyProtocol: true,
    },
    listener: { alpn: [] },
  });
  const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  client.write('ping');
  const [data] = (await once(client, 'data')) as [Buffer];
  assert.match(data.toString(), /^0d0a0d0a000d0a515549540a/);
  client.destroy();
  assert.equal((await line()).event.action, 'served');
});

test('the SYN and the round trip of a client are on record', async (t) => {
  const { port, ca, line } = await startTestEdge(t);
  const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  await once(client, 'secureConnect');
  client.end();
  assert.match((await line()).sallyport.syn!, /^4:64\+0:0:65495:/);
});
