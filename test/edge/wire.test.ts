/** TLS over a bare descriptor, without a socket of Node's for TCP. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { createSecureContext } from 'node:tls';
import { type WiredTls, wrapDescriptor } from '../../src/edge/wire.ts';
import { acceptOnce, addon, dial, listen, skip } from '../support/addon.ts';

const wrap = (fd: number): WiredTls =>
  wrapDescriptor(addon, fd, { isServer: true, secureContext: createSecureContext() });

test('a descriptor that cannot be watched ends its TLS socket with the error of the system', {
  skip,
}, async () => {
  // why: nobody has so many descriptors open.
  const { tls } = wrap(0x7fff_fff0);
  const messages: string[] = [];
  tls.on('error', ({ message }) => messages.push(message));
  await new Promise((resolve) => tls.once('close', resolve));
  assert.deepEqual(messages, ['the connection cannot be watched: EBADF']);
});

test('the bytes below TLS are counted, and a reset reaches the client as one', { skip }, async () => {
  const { fd, port } = listen();
  const accepted = acceptOnce(fd, (batch) => wrap(batch.take(0)));
  const client = await dial(port);
  const { tls, wire } = await accepted;
  tls.on('error', () => {});
  // The head of a record whose rest does not come.
  client.write(Buffer.of(22, 3, 1, 0, 200));
  while (wire.bytesRead === 0) await new Promise(setImmediate);
  assert.equal(wire.bytesRead, 5);
  assert.equal(tls.remotePort, client.localPort);
  wire.reset();
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
  wire.reset();
});
