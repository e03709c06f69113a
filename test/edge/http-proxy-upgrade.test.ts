import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { connect, type Server } from 'node:net';
import { test } from 'node:test';

import { echoHeaders, edge, raw } from '../support/http-proxy.ts';

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
