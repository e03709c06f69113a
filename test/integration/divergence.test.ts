import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { OpenSsl } from '../../src/edge/openssl.ts';
import type { Negotiated } from '../../src/orchestrator/negotiated.ts';
import { startTestEdge } from '../support/edge.ts';

test('a client that OpenSSL read otherwise than the parser is closed and audited before a request is read', async (t) => {
  // why: no hello is known that the two read differently, so what OpenSSL says is changed on its way.
  const { accept } = OpenSsl.prototype;
  t.mock.method(OpenSsl.prototype, 'accept', function (this: OpenSsl, ...args: Parameters<typeof accept>) {
    const server = accept.apply(this, args);
    return {
      ...server,
      negotiated: (): Negotiated => ({ ...server.negotiated(), serverName: 'admin.test' }),
    };
  });
  const { port, ca, line } = await startTestEdge(t);
  const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
  client.on('error', () => {});
  client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  const answers: Buffer[] = [];
  client.on('data', (bytes: Buffer) => answers.push(bytes));
  await once(client, 'close');
  assert.deepEqual(answers, []);
  const audit = await line();
  assert.equal(audit.event.action, 'parser_divergence');
  assert.equal(audit.error.message, 'server name "admin.test" was negotiated, "localhost" parsed');
});
