import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { makeCertificate } from '../support/certificate.ts';

import { ask, askH2, echoHeaders, edge, listen } from '../support/http-proxy.ts';

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

test('closing waits for the requests under way', async (t) => {
  const arrived = Promise.withResolvers<ServerResponse>();
  const { port, upstream } = await edge(t, (_, response) => arrived.resolve(response));
  const reply = ask(port);
  const response = await arrived.promise;
  const closed = upstream.close();
  response.end('done');
  await closed;
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
