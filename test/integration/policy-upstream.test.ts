import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startTestEdge } from '../support/edge.ts';
import { run, sClient } from '../support/tools.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy served  extends tls.intermediate { }
policy trapped extends served { upstream honeypot  rank 50 }
site other {
  listen edge  sni any  score none
  pin trap when hello.sni == "held.test" use trapped
  ladder { from 0 use served }
  on_error use served
}
`;

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a policy sends the requests of its clients to an upstream of its own', async (t) => {
  const trap = createHttpServer((_, response) => response.end('sticky'));
  const port = await listen(t, trap);
  const upstreams = { honeypot: { protocol: 'http', url: `http://127.0.0.1:${port}` } };
  const edge = await startTestEdge(t, { policy: POLICY, upstreams });
  for (const version of ['--http1.1', '--http2']) {
    const ask = (name: string): ReturnType<typeof run> => {
      const to = ['--resolve', `${name}:${edge.port}:127.0.0.1`, `https://${name}:${edge.port}/x`];
      return run('curl', ['-sS', version, '--cacert', edge.caFile, ...to]);
    };
    assert.equal((await ask('held.test')).stdout, 'sticky');
    assert.equal(JSON.parse((await ask('other.test')).stdout).url, '/x');
  }
});

test('a policy sends the bytes of its clients to a TCP upstream of its own', async (t) => {
  const answering = (text: string): Promise<number> =>
    listen(
      t,
      createServer((socket) => socket.on('error', () => {}).end(text)),
    );
  const app = { protocol: 'tcp', address: `127.0.0.1:${await answering('plain')}` };
  const upstreams = { honeypot: { protocol: 'tcp', address: `127.0.0.1:${await answering('sticky')}` } };
  const edge = await startTestEdge(t, { policy: POLICY, upstream: app, upstreams });
  const ask = async (name: string): Promise<string> =>
    (await sClient(edge.port, '-servername', name, '-quiet', '-ign_eof')).stdout;
  assert.match(await ask('held.test'), /sticky/);
  assert.match(await ask('other.test'), /plain/);
});
