import assert from 'node:assert/strict';
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { test } from 'node:test';

import { ask, askH2, CONTEXT, echoHeaders, edge, got, raw } from '../support/http-proxy.ts';

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
