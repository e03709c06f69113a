/** OpenSSL's contexts are few and shared: what differs from connection to connection is set on the connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { TlsAddon } from '../../src/edge/tls-addon.ts';
import { skip } from '../support/addon.ts';
import { makeCertificate } from '../support/certificate.ts';
import { startTestEdge } from '../support/edge.ts';
import { authority } from '../support/pki.ts';
import { attempt } from '../support/tls-client.ts';

const POLICY = `pdl 1
import "std/tls" as tls
ca clients from file "clients.pem"
feed strangers of cidr from file "networks.txt" { }
score risk { clamp 0..100  signal stranger +60 when conn.ip in strangers }
policy plain  extends tls.intermediate { }
policy asking extends tls.modern { client_cert request { trust [ clients ] } rank 20 }
policy pinned extends tls.modern { tls { certificate "rsa" } rank 30 }
policy shut   extends tls.modern { action refuse alert access_denied  rank 90 }
site pinned { listen edge  sni { "pinned.test" }  score risk  ladder { from 0 use pinned }  on_error use shut }
site main   { listen edge  sni any  score risk  ladder { from 0 use plain  from 50 use asking }  on_error use shut }
`;
const ROUNDS = 5;

function visit(port: number, name: string, localAddress: string): ReturnType<typeof attempt> {
  return attempt(port, name, { localAddress } as ConnectionOptions);
}

test('there is one context for each policy and choice of certificates, however many connections', {
  skip,
}, async (t) => {
  const { pem } = await authority('CN=clients');
  const rsa = await makeCertificate({ names: ['localhost'], kind: 'rsa' });
  const shop = await makeCertificate({ names: ['*.shop.test'] });
  const edge = await startTestEdge(t, {
    policy: POLICY,
    networks: '127.0.0.2/32\n',
    files: { 'clients.pem': pem },
    certificates: { rsa, shop },
    listener: { certificates: ['default', 'rsa', 'shop'] },
  });
  const contexts = t.mock.method(TlsAddon.prototype, 'captureContext').mock;
  const connections = t.mock.method(TlsAddon.prototype, 'captureSsl').mock;
  const visits: readonly (readonly [name: string, from: string])[] = [
    ['localhost', '127.0.0.1'],
    ['localhost', '127.0.0.2'],
    ['other.test', '127.0.0.1'],
    ['a.shop.test', '127.0.0.1'],
    ['b.shop.test', '127.0.0.1'],
    ['b.shop.test', '127.0.0.2'],
    ['pinned.test', '127.0.0.1'],
  ];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, from] of visits) {
      assert.equal((await visit(edge.port, name, from)).end, 'served');
    }
  }
  assert.equal(connections.callCount(), ROUNDS * visits.length);
  // `plain` with both certificates of localhost, with the one of other.test, and with the shop's; `asking` with two of
  // these; `pinned` with its own.
  assert.equal(contexts.callCount(), 6);
  assert.equal((await edge.edge.reload()).ok, true);
  for (const [name, from] of visits) await visit(edge.port, name, from);
  assert.equal(contexts.callCount(), 12, 'a reload has contexts of its own');
});
