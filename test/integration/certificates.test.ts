import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { makeCertificate } from '../support/certificate.ts';
import { startTestEdge, TEST_NAMES, type TestEdge } from '../support/edge.ts';
import { sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy served extends tls.intermediate { tls { prefer server } }
policy pinned extends served { tls { certificate "rsa" } rank 9 }
site main   { listen edge  sni any               score none  ladder { from 0 use served }  on_error use served }
site pinned { listen edge  sni { "held.test" }   score none  ladder { from 0 use pinned }  on_error use pinned }
`;
const ECDSA_SIGNATURES = ['-sigalgs', 'ECDSA+SHA256'];
const RSA_SIGNATURES = ['-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'];

/** What openssl s_client says of the certificate: the algorithm that it was signed with, and its subject. */
async function served(
  { port }: TestEdge,
  ...options: string[]
): Promise<{ signed: string; subject: string }> {
  const { stdout, stderr } = await sClient(port, ...options);
  const [pem] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(stdout) ?? [];
  assert.ok(pem, stderr);
  const signed = /Peer signature type: (\S+)/.exec(stdout)?.[1] ?? '';
  return { signed, subject: new X509Certificate(pem).subject };
}

async function start(t: import('node:test').TestContext, listed: readonly string[]): Promise<TestEdge> {
  const rsa = await makeCertificate({ names: TEST_NAMES, kind: 'rsa' });
  const shop = await makeCertificate({ names: ['*.shop.test'] });
  const exact = await makeCertificate({ names: ['www.shop.test'] });
  return startTestEdge(t, {
    policy: POLICY,
    certificates: { rsa, shop, exact },
    listener: { certificates: listed },
  });
}

for (const version of ['-tls1_2', '-tls1_3']) {
  test(`of two certificates of one name the client gets the one it can verify (${version})`, async (t) => {
    const edge = await start(t, ['default', 'rsa']);
    const name = ['-servername', 'localhost', version];
    assert.equal((await served(edge, ...name, ...ECDSA_SIGNATURES)).signed, 'ECDSA');
    assert.match((await served(edge, ...name, ...RSA_SIGNATURES)).signed, /^RSA/);
    assert.equal((await served(edge, ...name)).signed, 'ECDSA');
    await edge.line(() => edge.lines().length === 3);
    assert.deepEqual(
      edge.lines().map(({ sallyport }) => sallyport.certificate),
      ['ecdsa', 'rsa', 'ecdsa'],
    );
  });
}

test('a TLS 1.2 client that offers suites of RSA alone gets the RSA certificate', async (t) => {
  const edge = await start(t, ['default', 'rsa']);
  const suites = ['-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256'];
  assert.match((await served(edge, '-servername', 'localhost', ...suites)).signed, /^RSA/);
});

test('a policy’s certificate is served whatever the client would rather have', async (t) => {
  const edge = await start(t, ['default', 'rsa']);
  assert.match((await served(edge, '-servername', 'held.test')).signed, /^RSA/);
});

test('the certificate follows the server name: exact, wildcard, else the first', async (t) => {
  const edge = await start(t, ['default', 'shop', 'exact']);
  assert.equal((await served(edge, '-servername', 'www.shop.test')).subject, 'CN=www.shop.test');
  assert.equal((await served(edge, '-servername', 'api.shop.test')).subject, 'CN=*.shop.test');
  assert.equal((await served(edge, '-servername', 'elsewhere.test')).subject, 'CN=localhost');
  assert.equal((await served(edge, '-noservername')).subject, 'CN=localhost');
});

test('a renewed certificate is served after a reload, and the connections before it are left as they were', async (t) => {
  const edge = await start(t, ['default']);
  const before = edge.connect();
  const renewed = await makeCertificate({ names: ['renewed.test', ...TEST_NAMES] });
  edge.write('cert.pem', renewed.certificate);
  edge.write('key.pem', renewed.key);
  assert.equal((await edge.edge.reload()).ok, true);
  assert.equal((await served(edge, '-servername', 'localhost')).subject, 'CN=renewed.test');
  assert.equal(before.destroyed, false);
  before.destroy();
});

test('a renewed certificate is noticed by itself', async (t) => {
  const { certificate, key } = await makeCertificate({ names: ['renewed.test', ...TEST_NAMES] });
  const policy = `pdl 1
import "std/tls" as tls
feed watched of cidr from file "blocked.txt" { refresh 1s }
score none { clamp 0..100  signal listed +0 when conn.ip in watched }
policy served extends tls.intermediate { }
site main { listen edge  sni any  score none  ladder { from 0 use served }  on_error use served }
`;
  const edge = await startTestEdge(t, { policy });
  edge.write('cert.pem', certificate);
  edge.write('key.pem', key);
  await until('it is served', async () => {
    return (await served(edge, '-servername', 'localhost')).subject === 'CN=renewed.test';
  });
});
