import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { StapleHealth } from '../../src/observe/ocsp-metrics.ts';
import { skip } from '../support/addon.ts';
import { startTestEdge, type TestEdge, type TestEdgeOptions } from '../support/edge.ts';
import { type OcspResponder, startOcspResponder } from '../support/ocsp.ts';
import { authority, type Issued } from '../support/pki.ts';
import { pairOf, RSA, server } from '../support/server-chain.ts';
import { run, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

/** Two policies on every name: who comes from a listed address is served without staples. */
const POLICY = `pdl 1
import "std/tls" as tls
feed strangers of cidr from file "blocked.txt" { }
score none { clamp 0..100  signal stranger +60 when conn.ip in strangers }
policy stapled extends tls.intermediate { tls { ocsp_stapling on } }
policy plain   extends stapled { tls { ocsp_stapling off } rank 20 }
site main { listen edge  sni any  score none  ladder { from 0 use stapled  from 50 use plain }  on_error use plain }
`;
const STRANGER = '127.0.0.2';
const STAPLED = /OCSP Response Status: successful \(0x0\)/;
const NONE = /OCSP response: no response sent/;
/** What curl ends with. */
const SSL_INVALIDCERTSTATUS = 91;
const root = await authority('CN=Root');

/** What s_client says about the staple that it asks for. */
async function status({ port }: TestEdge, ...options: string[]): Promise<string> {
  const { stdout } = await sClient(port, '-status', '-servername', 'localhost', ...options);
  return stdout;
}

function health({ edge }: TestEdge): readonly StapleHealth[] {
  return (edge.status() as { readonly staples: readonly StapleHealth[] }).staples;
}

function responder(
  t: TestContext,
  valid: readonly Issued[],
  revoked: readonly Issued[] = [],
): Promise<OcspResponder> {
  return startOcspResponder(t, { issuer: root, signer: root, valid, revoked });
}

/** An edge whose certificates are answered for by the responder that each names. */
async function start(
  t: TestContext,
  certificates: Readonly<Record<string, Issued>>,
  options: TestEdgeOptions = {},
): Promise<TestEdge> {
  const pairs = Object.entries(certificates).map(
    async ([name, issued]) => [name, await pairOf(issued, root)] as const,
  );
  return startTestEdge(t, {
    policy: POLICY,
    files: { 'blocked.txt': `${STRANGER}\n` },
    certificates: Object.fromEntries(await Promise.all(pairs)),
    listener: { certificates: Object.keys(certificates) },
    ...options,
  });
}

for (const threads of [0, 2]) {
  test(`on one name a policy staples and another does not (${threads} workers)`, { skip }, async (t) => {
    const serial = '4321';
    const { url } = await responder(t, [await server(root, { serial })]);
    const edge = await start(t, { site: await server(root, { serial, responder: url }) }, { threads });
    for (const version of ['-tls1_2', '-tls1_3']) {
      const stapled = await status(edge, version);
      assert.match(stapled, STAPLED);
      assert.match(stapled, /Cert Status: good/);
      assert.match(await status(edge, version, '-bind', STRANGER), NONE);
    }
    assert.match((await sClient(edge.port, '-servername', 'localhost')).stdout, /BEGIN CERTIFICATE/);
    if (threads === 0) return;
    for (const worker of [0, 1]) edge.edge.killWorker(worker);
    await until('the workers that follow staple too', async () => STAPLED.test(await status(edge)));
  });
}

test('of two certificates of one name each has its own answer', { skip }, async (t) => {
  const serials = ['4501', '4502'];
  const answered = await Promise.all(serials.map((serial) => server(root, { serial })));
  const { url } = await responder(t, answered);
  const edge = await start(t, {
    ecdsa: await server(root, { serial: serials[0]!, responder: url }),
    rsa: await server(root, { serial: serials[1]!, responder: url, algorithm: RSA }),
  });
  for (const version of ['-tls1_2', '-tls1_3']) {
    const ecdsa = await status(edge, version, '-sigalgs', 'ECDSA+SHA256');
    assert.match(ecdsa, STAPLED);
    assert.match(ecdsa, /Serial Number: 4501/);
    const rsa = await status(edge, version, '-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256');
    assert.match(rsa, STAPLED);
    assert.match(rsa, /Serial Number: 4502/);
  }
});

test('a renewed certificate is served after a reload, its own answer with its first handshake', {
  skip,
}, async (t) => {
  const serials = ['4601', '4602'];
  const answered = await Promise.all(serials.map((serial) => server(root, { serial })));
  const { url, requests } = await responder(t, answered);
  const [first, second] = await Promise.all(
    serials.map((serial) => server(root, { serial, responder: url })),
  );
  const edge = await start(t, { site: first! }, { threads: 1 });
  assert.match(await status(edge), /Serial Number: 4601/);
  const { certificate, key } = await pairOf(second!, root);
  edge.write('site.pem', certificate);
  edge.write('site.key', key);
  assert.equal((await edge.edge.reload()).ok, true);
  const renewed = await status(edge);
  assert.match(renewed, STAPLED);
  assert.match(renewed, /Serial Number: 4602/);
  assert.equal((await edge.edge.reload()).ok, true);
  assert.equal(requests(), 2);
});

test('a revoked certificate, and one whose responder is silent, are served without an answer', {
  skip,
}, async (t) => {
  const serials = ['4701', '4702'];
  const [revoked] = await Promise.all(serials.map((serial) => server(root, { serial })));
  const { url } = await responder(t, [], [revoked!]);
  const edge = await start(t, {
    revoked: await server(root, { serial: '4701', responder: url }),
    silent: await server(root, { serial: '4702', responder: 'http://127.0.0.1:1/', algorithm: RSA }),
  });
  assert.match(await status(edge, '-sigalgs', 'ECDSA+SHA256'), NONE);
  assert.match(await status(edge, '-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'), NONE);
  assert.deepEqual(
    health(edge).map(({ certificate, untilMs, reason }) => ({ certificate, untilMs, reason })),
    [
      { certificate: 'revoked', untilMs: null, reason: 'the certificate is revoked' },
      { certificate: 'silent', untilMs: null, reason: 'ECONNREFUSED' },
    ],
  );
});

test('after a restart the answer kept on disk is stapled while nobody answers', { skip }, async (t) => {
  const serial = '4801';
  const { url, stop } = await responder(t, [await server(root, { serial })]);
  const issued = await server(root, { serial, responder: url });
  const edge = await start(t, { site: issued });
  assert.match(await status(edge), STAPLED);
  await edge.edge.stop();
  await stop();
  const again = await start(t, { site: issued }, { directory: edge.directory });
  assert.match(await status(again), STAPLED);
  assert.ok(existsSync(join(edge.directory, '.sallyport/ocsp')));
});

test('curl that insists on an answer takes the certificate with one, and refuses it without', {
  skip,
}, async (t) => {
  const serial = '4901';
  const { url } = await responder(t, [await server(root, { serial })]);
  const edge = await start(t, { site: await server(root, { serial, responder: url }) });
  edge.write('root.pem', root.pem);
  const get = async (from: string): Promise<number> => {
    const options = [
      '--silent',
      '--cert-status',
      '--cacert',
      join(edge.directory, 'root.pem'),
      '--interface',
      from,
    ];
    return (await run('curl', [...options, `https://localhost:${edge.port}/`])).code;
  };
  assert.equal(await get('127.0.0.1'), 0);
  assert.equal(await get(STRANGER), SSL_INVALIDCERTSTATUS);
});
