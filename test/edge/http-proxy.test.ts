import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import type { HeadersConfig, HttpUpstreamConfig } from '../../src/config/schema.ts';
import { HttpUpstream, type ProxyContext } from '../../src/edge/http-proxy.ts';
import { makeCertificate } from '../support/certificate.ts';

const HEADERS: HeadersConfig = {
  score: 'X-Sallyport-Score',
  policy: 'X-Sallyport-Policy',
  decision: 'X-Sallyport-Decision',
  ja4: 'X-JA4-Fingerprint',
  ja3: 'X-JA3-Fingerprint',
  requestId: 'X-Request-Id',
};

const CONTEXT: ProxyContext = {
  clientIp: '192.0.2.7',
  clientPort: 4711,
  proto: 'https',
  host: 'shop.example',
  score: 12,
  policy: 'trusted',
  decision: 'accept',
  ja4: 't13d1516h2_8daaf6152771_02713d6af862',
  ja3Hash: 'cd08e31494f9531f560d64c695473da9',
  requestId: 'r-1',
};

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Edge {
  readonly port: number;
  readonly h2: string;
  readonly upstream: HttpUpstream;
  readonly errors: string[];
}

/** An upstream with this behaviour and, in front of it, the proxy behind an HTTP/1.1 and an HTTP/2 server. */
async function edge(
  t: TestContext,
  behaviour: RequestListener | Server,
  settings: Partial<HttpUpstreamConfig> = {},
): Promise<Edge> {
  const origin = typeof behaviour === 'function' ? http.createServer(behaviour) : behaviour;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  };
  origin.on('connection', track);
  const config: HttpUpstreamConfig = {
    protocol: 'http',
    url: `http://127.0.0.1:${await listen(origin)}`,
    ca: null,
    connectTimeout: 1000,
    headersTimeout: 1000,
    bodyTimeout: 1000,
    keepAlive: 4000,
    connections: 4,
    ...settings,
  };
  const upstream = new HttpUpstream('app', config, HEADERS);
  const errors: string[] = [];
  const context = { ...CONTEXT, onError: (code: string) => errors.push(code) };
  const h1 = http.createServer((request, response) => upstream.handle(request, response, context));
  h1.on('upgrade', (request, socket, head) => upstream.upgrade(request, socket, head, context));
  const h2 = http2.createServer((request, response) => upstream.handle(request, response, context));
  h1.on('connection', track);
  h2.on('connection', track);
  const port = await listen(h1);
  const h2Url = `http://127.0.0.1:${await listen(h2)}`;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of [origin, h1, h2]) server.close();
    void upstream.close();
  });
  return { port, h2: h2Url, upstream, errors };
}

interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

async function ask(port: number, options: http.RequestOptions = {}, body?: string | Buffer): Promise<Reply> {
  const request = http.request({ host: '127.0.0.1', port, agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) text += chunk;
  return { status: response.statusCode!, headers: response.headers, body: text };
}

/** Sends bytes as they are and returns what comes back until the end. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}

async function askH2(
  url: string,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<Reply & { code: number }> {
  const session = http2.connect(url);
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let reply: http2.IncomingHttpHeaders = {};
  let text = '';
  stream.on('response', (received) => {
    reply = received;
  });
  stream.on('error', () => {});
  stream.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => stream.once('close', resolve));
  session.destroy();
  return { status: Number(reply[':status']), headers: reply, body: text, code: stream.rstCode };
}

const echoHeaders: RequestListener = (request, response) => {
  response.end(JSON.stringify({ url: request.url, method: request.method, raw: request.rawHeaders }));
};

/** The values that the upstream got for a header, by its exact lower-case name. */
function got(body: string, name: string): string[] {
  const { raw } = JSON.parse(body) as { raw: string[] };
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
}

test('method, path, query and body reach the upstream', async (t) => {
  const { port } = await edge(t, async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.end(`${request.method} ${request.url} ${body}`);
  });
  const reply = await ask(port, { method: 'PUT', path: '/a//b?c=%20&d' }, 'hello');
  assert.equal(reply.body, 'PUT /a//b?c=%20&d hello');
});

test('the upstream is told what the edge knows', async (t) => {
  const { port } = await edge(t, echoHeaders);
  const { body } = await ask(port);
  const expected = {
    host: 'shop.example',
    'x-forwarded-for': '192.0.2.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'shop.example',
    'x-forwarded-port': '443',
    'x-sallyport-score': '12',
    'x-sallyport-policy': 'trusted',
    'x-sallyport-decision': 'accept',
    'x-ja4-fingerprint': CONTEXT.ja4,
    'x-ja3-fingerprint': CONTEXT.ja3Hash,
    'x-request-id': 'r-1',
    via: '1.1 sallyport',
  };
  for (const [name, value] of Object.entries(expected)) assert.deepEqual(got(body, name), [value], name);
});

test('no client can speak in the edge’s name', async (t) => {
  const { port } = await edge(t, echoHeaders);
  const names = [
    'X-Sallyport-Score',
    'x_sallyport_score',
    'X-SALLYPORT_Policy',
    'X-Sallyport-Anything',
    'X_JA4_Fingerprint',
    'X-Forwarded-For',
    'X_Forwarded_For',
    'X-Forwarded-Client-Cert',
    'X-Forwarded-Server',
    'Forwarded',
    'X-Real-IP',
    'x_request_id',
  ];
  const headers = names.map((name) => `${name}: forged\r\n`).join('');
  const reply = await raw(port, `GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`);
  assert.match(reply, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(reply, /forged/);
  assert.doesNotMatch(reply, /x_/i);
});

test('hop-by-hop fields and those that Connection names stay behind', async (t) => {
  const { port } = await edge(t, echoHeaders);
  const headers = {
    connection: 'close, X-Secret, x-sallyport-score',
    'x-secret': '1',
    te: 'trailers',
    'keep-alive': 'timeout=5',
    'proxy-authorization': 'Basic eA==',
    'proxy-connection': 'close',
    'x-kept': 'yes',
  };
  const { body } = await ask(port, { headers });
  for (const name of ['x-secret', 'te', 'keep-alive', 'proxy-authorization', 'proxy-connection']) {
    assert.deepEqual(got(body, name), [], name);
  }
  assert.deepEqual(got(body, 'x-kept'), ['yes']);
  assert.deepEqual(got(body, 'x-sallyport-score'), ['12']);
});

test('a clearance stays between client and edge, other cookies do not', async (t) => {
  const { port } = await edge(t, echoHeaders);
  const cookie = 'a=1; __Host-sallyport_clearance=secret; b=2';
  const { body } = await ask(port, { headers: { cookie } });
  assert.deepEqual(got(body, 'cookie'), ['a=1; b=2']);
});

test('cookie crumbs of HTTP/2 become one field', async (t) => {
  const { h2 } = await edge(t, echoHeaders);
  const { body } = await askH2(h2, { ':path': '/x?y', cookie: ['a=1', 'b=2'], 'x-kept': 'yes' });
  assert.deepEqual(got(body, 'cookie'), ['a=1; b=2']);
  assert.deepEqual(got(body, 'via'), ['2 sallyport']);
  assert.deepEqual(got(body, 'x-kept'), ['yes']);
  assert.equal((JSON.parse(body) as { url: string }).url, '/x?y');
  assert.deepEqual(got(body, ':path'), []);
});

test('a body over HTTP/2 reaches the upstream', async (t) => {
  const { h2 } = await edge(t, (request, response) => request.pipe(response));
  const { body } = await askH2(h2, { ':method': 'POST', ':path': '/' }, 'over h2');
  assert.equal(body, 'over h2');
});

test('repeated response fields stay apart and in order', async (t) => {
  const { port, h2 } = await edge(t, (_, response) => {
    response.setHeader('Set-Cookie', ['a=1', 'b=2']);
    response.end();
  });
  assert.deepEqual((await ask(port)).headers['set-cookie'], ['a=1', 'b=2']);
  assert.deepEqual((await askH2(h2, { ':path': '/' })).headers['set-cookie'], ['a=1', 'b=2']);
});

test('response fields that HTTP/2 forbids are dropped', async (t) => {
  const { h2 } = await edge(t, (_, response) => {
    response.writeHead(200, {
      connection: 'keep-alive, x-hop',
      'keep-alive': 'timeout=9',
      upgrade: 'h2c',
      'x-hop': '1',
    });
    response.end('fine');
  });
  const { status, headers, body } = await askH2(h2, { ':path': '/' });
  assert.equal(status, 200);
  assert.equal(body, 'fine');
  for (const name of ['connection', 'keep-alive', 'upgrade', 'x-hop'])
    assert.equal(headers[name], undefined, name);
});

test('bytes beyond ASCII in a field survive', async (t) => {
  const { port } = await edge(t, (_, response) => {
    response.setHeader('x-latin', 'caf\u00e9');
    response.end();
  });
  assert.equal((await ask(port)).headers['x-latin'], 'caf\u00e9');
});

test('HEAD, 204 and 304 have no body and keep their fields', async (t) => {
  const { port, h2 } = await edge(t, (request, response) => {
    if (request.method === 'HEAD') response.setHeader('content-length', '1234');
    response.statusCode = request.method === 'HEAD' ? 200 : Number(request.url!.slice(1));
    response.setHeader('etag', '"x"');
    response.end();
  });
  const head = await ask(port, { method: 'HEAD' });
  assert.equal(head.headers['content-length'], '1234');
  assert.equal((await askH2(h2, { ':method': 'HEAD', ':path': '/' })).headers['content-length'], '1234');
  for (const status of [204, 304]) {
    const replies = [await ask(port, { path: `/${status}` }), await askH2(h2, { ':path': `/${status}` })];
    for (const reply of replies) {
      assert.equal(reply.status, status);
      assert.equal(reply.headers.etag, '"x"');
      assert.equal(reply.body, '');
    }
  }
});

test('a client that expects 100 gets it from the edge', async (t) => {
  const { port } = await edge(t, (request, response) => {
    assert.equal(request.headers.expect, undefined);
    request.pipe(response);
  });
  const request = http.request({ port, method: 'POST', headers: { expect: '100-continue' }, agent: false });
  request.flushHeaders();
  await once(request, 'continue');
  request.end('go on');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(String(await response.toArray()), 'go on');
});

test('an absolute target outranks the Host field', async (t) => {
  const { port } = await edge(t, echoHeaders);
  const reply = await raw(
    port,
    'GET http://real.example/p?q HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  );
  const body = reply.slice(reply.indexOf('{'), reply.lastIndexOf('}') + 1);
  assert.deepEqual(got(body, 'host'), ['real.example']);
  assert.equal((JSON.parse(body) as { url: string }).url, '/p?q');
});

test('a target that is no path is the client’s mistake', async (t) => {
  const { port, errors } = await edge(t, echoHeaders);
  const reply = await raw(port, 'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  assert.match(reply, /^HTTP\/1\.1 400 /);
  assert.deepEqual(errors, ['request_invalid']);
});

test('an upstream that is down is a 502 with the request id', async (t) => {
  const closed = createTcpServer();
  const url = `http://127.0.0.1:${await listen(closed)}`;
  closed.close();
  await once(closed, 'close');
  const { port, errors } = await edge(t, echoHeaders, { url });
  const { status, headers, body } = await ask(port);
  assert.equal(status, 502);
  assert.equal(headers['content-type'], 'application/problem+json');
  const problem = JSON.parse(body) as Record<string, unknown>;
  assert.equal(problem.code, 'upstream_unreachable');
  assert.equal(problem.request_id, 'r-1');
  assert.deepEqual(errors, ['upstream_unreachable']);
});

test('an upstream that is down answers an upload too', async (t) => {
  const closed = createTcpServer();
  const url = `http://127.0.0.1:${await listen(closed)}`;
  closed.close();
  await once(closed, 'close');
  const { port } = await edge(t, echoHeaders, { url });
  const { status } = await ask(port, { method: 'POST' }, Buffer.alloc(300_000));
  assert.equal(status, 502);
});

test('an upstream that does not answer is a 504', async (t) => {
  const { port, errors } = await edge(t, () => {}, { headersTimeout: 50 });
  assert.equal((await ask(port)).status, 504);
  assert.deepEqual(errors, ['upstream_timeout']);
});

test('an upstream that speaks something else is a 502', async (t) => {
  const origin = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'));
  const { port, errors } = await edge(t, origin);
  assert.equal((await ask(port)).status, 502);
  assert.deepEqual(errors, ['upstream_invalid']);
});

test('a response that breaks off ends the client’s connection', async (t) => {
  const { port, errors } = await edge(t, (_, response) => {
    response.writeHead(200, { 'content-length': 100 });
    response.write('part');
    setTimeout(() => response.destroy(), 20);
  });
  await assert.rejects(ask(port), { code: 'ECONNRESET' });
  assert.deepEqual(errors, ['upstream_broken']);
});

test('a response that breaks off resets the HTTP/2 stream', async (t) => {
  const { h2 } = await edge(t, (_, response) => {
    response.write('part');
    setTimeout(() => response.destroy(), 20);
  });
  const reply = await askH2(h2, { ':path': '/' });
  assert.equal(reply.code, http2.constants.NGHTTP2_INTERNAL_ERROR);
});

test('a client that leaves ends the upstream’s request', async (t) => {
  const left = Promise.withResolvers<void>();
  const { port } = await edge(t, (_, response) => {
    response.write('start');
    response.once('close', left.resolve);
  });
  const request = http.get({ port, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await once(response, 'data');
  request.on('error', () => {});
  response.on('error', () => {});
  request.destroy();
  await left.promise;
});

test('a client that leaves in the middle of its upload ends the upstream’s request', async (t) => {
  const left = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { port } = await edge(t, (request) => {
    request.once('data', () => begun.resolve());
    request.once('close', left.resolve);
    request.on('error', () => {});
  });
  const request = http.request({ port, method: 'POST', agent: false });
  request.on('error', () => {});
  request.write('start');
  await begun.promise;
  request.destroy();
  await left.promise;
});

test('the head is sent on before the body begins', async (t) => {
  const { port } = await edge(t, (_, response) => {
    response.writeHead(200, { 'x-early': '1' });
    response.flushHeaders();
  });
  const request = http.get({ port, agent: false });
  request.on('error', () => {});
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(response.headers['x-early'], '1');
  request.destroy();
});

test('a slow client slows the upstream down', async (t) => {
  let sent = 0;
  function* chunks(): Generator<Buffer> {
    for (let i = 0; i < 1024; i++) {
      sent += 65_536;
      yield Buffer.alloc(65_536);
    }
  }
  const { port } = await edge(t, (_, response) => pipeline(Readable.from(chunks()), response, () => {}), {
    bodyTimeout: 5000,
  });
  const request = http.get({ port, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.pause();
  await sleep(300);
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken from the upstream`);
  let received = 0;
  for await (const chunk of response) received += (chunk as Buffer).length;
  assert.equal(received, 1024 * 65_536);
});

test('a slow upstream slows the client down', async (t) => {
  const { port } = await edge(t, (request) => void request.pause(), { headersTimeout: 5000 });
  const request = http.request({ port, method: 'POST', agent: false });
  request.on('error', () => {});
  let sent = 0;
  const chunk = Buffer.alloc(65_536);
  const push = () => {
    do sent += chunk.length;
    while (request.write(chunk) && sent < 64 * 1024 * 1024);
  };
  request.on('drain', push);
  push();
  await sleep(300);
  request.destroy();
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken from the client`);
});

test('a request without side effects is sent again when a kept connection was closed', async (t) => {
  let requests = 0;
  const { port, errors } = await edge(t, (request, response) => {
    requests++;
    if (requests === 2) request.socket.destroy();
    else response.end(String(requests));
  });
  assert.equal((await ask(port)).body, '1');
  assert.equal((await ask(port)).body, '3');
  assert.deepEqual(errors, []);
});

test('a request with side effects is not sent again', async (t) => {
  let requests = 0;
  const { port } = await edge(t, (request) => {
    requests++;
    request.socket.destroy();
  });
  assert.equal((await ask(port, { method: 'POST' }, 'x')).status, 502);
  assert.equal(requests, 1);
});

test('a connection to the upstream is used again', async (t) => {
  const ports = new Set<number>();
  const { port } = await edge(t, (request, response) => {
    ports.add(request.socket.remotePort!);
    response.end();
  });
  for (let i = 0; i < 3; i++) await ask(port);
  assert.equal(ports.size, 1);
});

test('early hints do not end the wait for the response', async (t) => {
  const { port } = await edge(t, (_, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    setTimeout(() => response.end('final'), 20);
  });
  const { status, body } = await ask(port);
  assert.equal(status, 200);
  assert.equal(body, 'final');
});

test('requests beyond connections and queue are turned away', async (t) => {
  const waiting: ServerResponse[] = [];
  const { port, h2 } = await edge(t, (_, response) => void waiting.push(response), {
    connections: 1,
    headersTimeout: 5000,
  });
  const session = http2.connect(h2);
  await once(session, 'remoteSettings');
  session.on('error', () => {});
  for (let i = 0; i < 1025; i++) {
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
  }
  while (waiting.length === 0) await sleep(5);
  await sleep(50);
  const { status, headers } = await ask(port);
  assert.equal(status, 503);
  assert.equal(headers['retry-after'], '1');
  session.destroy();
});

/** An upstream that switches protocols and sends back what it gets. */
function socketOrigin(): Server {
  const origin = http.createServer((_, response) =>
    response.writeHead(426, { 'x-plain': '1' }).end('upgrade, please'),
  );
  origin.on('upgrade', (request, socket, head) => {
    if (request.url === '/refused') {
      socket.end(
        'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Why: because\r\nConnection: close\r\n\r\nno',
      );
      return;
    }
    const fields = `Sec-WebSocket-Accept: yes\r\nX-Score: ${request.headers['x-sallyport-score']}\r\n`;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`,
    );
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
    socket.on('error', () => {});
  });
  return origin;
}

const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: eA==\r\nX-Sallyport-Score: 0\r\n';

test('a WebSocket is passed through, with the edge’s fields', async (t) => {
  const { port } = await edge(t, socketOrigin());
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET /ws HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\nfirst`);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
    if (text.endsWith('first')) socket.write('second');
    if (text.endsWith('second')) socket.end();
  });
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(text, /\r\nSec-WebSocket-Accept: yes\r\n/);
  assert.match(text, /\r\nX-Score: 12\r\n/);
  assert.match(text, /\r\n\r\nfirstsecond$/);
});

test('an upstream’s refusal of a WebSocket is passed back', async (t) => {
  const { port } = await edge(t, socketOrigin());
  const reply = await raw(port, `GET /refused HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`);
  assert.match(reply, /^HTTP\/1\.1 403 Forbidden\r\n/);
  assert.match(reply, /\r\nX-Why: because\r\n/);
  assert.match(reply, /\r\n\r\nno$/);
});

test('a WebSocket to an upstream that is down is a 502', async (t) => {
  const { port, errors } = await edge(t, echoHeaders, { url: 'http://127.0.0.1:1' });
  const reply = await raw(port, `GET /ws HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`);
  assert.match(reply, /^HTTP\/1\.1 502 /);
  assert.deepEqual(errors, ['upstream_unreachable']);
});

test('other upgrades are refused', async (t) => {
  const { port } = await edge(t, socketOrigin());
  const reply = await raw(port, 'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
  assert.match(reply, /^HTTP\/1\.1 501 /);
});

test('closing waits for the requests under way', async (t) => {
  const { port, upstream } = await edge(t, (_, response) => void setTimeout(() => response.end('done'), 50));
  const reply = ask(port);
  await sleep(20);
  await upstream.close();
  assert.equal((await reply).body, 'done');
  assert.equal((await ask(port)).status, 503);
});

test('an https upstream is checked by its own name, whatever host is asked for', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-upstream-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const ca = join(folder, 'ca.pem');
  const { certificate, key } = await makeCertificate({ names: ['localhost'] });
  await writeFile(ca, certificate);
  let connections = 0;
  const origin = https.createServer({ cert: certificate, key }, (request, response) => {
    response.end(`${(request.socket as TLSSocket).servername} ${request.headers.host}`);
  });
  origin.on('secureConnection', () => connections++);
  const url = `https://localhost:${await listen(origin)}`;
  t.after(() => {
    origin.close();
    origin.closeAllConnections();
  });
  const trusting = await edge(t, echoHeaders, { url, ca });
  assert.equal((await ask(trusting.port)).body, 'localhost shop.example');
  assert.equal((await ask(trusting.port)).body, 'localhost shop.example');
  assert.equal(connections, 1);
  const wary = await edge(t, echoHeaders, { url });
  assert.equal((await ask(wary.port)).status, 502);
});
