import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { skip } from '../support/addon.ts';
import { certificatePolicy } from '../support/certificate-policy.ts';
import { startTestEdge, type TestEdge, type TestEdgeOptions } from '../support/edge.ts';
import { freePort, startOcspResponder } from '../support/ocsp.ts';
import {
  authority,
  CLIENT_AUTH,
  client,
  clientOptions,
  DAY_MS,
  type Issued,
  keyPem,
  names,
  OCSP_SIGNING,
  revocationList,
} from '../support/pki.ts';
import { attempt } from '../support/tls-client.ts';
import { run, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 3_600_000;
const partner = await authority('CN=Partner CA');
const other = await authority('CN=Other CA');
const good = await client(partner);
const revoked = await client(partner);
const fresh = await client(partner, { from: -60_000 });

async function start(
  t: TestContext,
  demands: Readonly<Record<string, string>> = {},
  options: TestEdgeOptions = {},
): Promise<TestEdge> {
  const list = await revocationList(partner, [revoked]);
  return startTestEdge(t, {
    policy: certificatePolicy(demands),
    files: {
      'partner.pem': partner.pem,
      'other.pem': other.pem,
      'banned.txt': '',
      'partner.crl': list,
      'stale.crl': list,
      'forged.crl': list,
    },
    ...options,
  });
}

test('clients of different risk on one host name are asked for different things in the same second', {
  skip,
}, async (t) => {
  const edge = await start(
    t,
    {},
    {
      policy: `pdl 1
import "std/tls" as tls
ca partner from file "partner.pem"
score risk { clamp 0..100  signal old_tls +60 when not hello.versions has tls1.3  signal no_alpn +30 when hello.alpn == [ ] }
policy easy extends tls.intermediate { }
policy strict extends tls.intermediate { client_cert require { trust [ partner ] }  rank 50 }
policy shut extends tls.modern { action refuse alert access_denied  rank 90 }
site all { listen edge  sni any  score risk  ladder { from 0 use easy  from 30 use strict }  on_error use shut }
`.replace('hello.alpn == [ ]', 'count(hello.alpn) == 0'),
    },
  );
  const [easy, strict, shown] = await Promise.all([
    attempt(edge.port, 'other.test', { ALPNProtocols: ['http/1.1'] }),
    attempt(edge.port, 'other.test'),
    attempt(edge.port, 'other.test', await clientOptions([good])),
  ]);
  assert.deepEqual([easy.end, strict.end, shown.end], ['served', 'certificate_required', 'served']);
});

test('a request for a certificate names the authorities of the policy', { skip }, async (t) => {
  const edge = await start(t);
  const { stdout } = await sClient(edge.port, '-servername', 'plain.test');
  assert.match(stdout, /Acceptable client certificate CA names\s+CN\s?=\s?Partner CA\s/);
  assert.doesNotMatch(stdout, /Other CA/);
});

for (const version of ['tls1_2', 'tls1_3']) {
  test(`openssl and curl see the alert of each rule in ${version}`, { skip }, async (t) => {
    const edge = await start(t);
    const file = async (name: string, issued: Issued): Promise<string> => {
      edge.write(`${name}.pem`, issued.pem + (await keyPem(issued)));
      return join(edge.directory, `${name}.pem`);
    };
    const expectations: readonly (readonly [site: string, file: string, alert: RegExp])[] = [
      ['crl', await file('revoked', revoked), /alert certificate revoked/],
      ['plain', await file('stranger', await client(await authority('CN=X'))), /alert unknown ca/],
      [
        'plain',
        await file('expired', await client(partner, { from: -9 * DAY_MS, to: -HOUR_MS })),
        /alert certificate expired/,
      ],
      ['age', await file('fresh', fresh), /alert certificate unknown/],
      ['several', await file('fresh', fresh), /alert access denied/],
      ['key', await file('good', good), /alert insufficient security/],
      ['lifetime', await file('long', await client(partner, { to: 200 * DAY_MS })), /alert bad certificate/],
      [
        'eku',
        await file('aimless', await client(partner, { extensions: [] })),
        /alert unsupported certificate/,
      ],
    ];
    for (const [site, pem, alert] of expectations) {
      const { stderr } = await sClient(
        edge.port,
        '-servername',
        `${site}.test`,
        `-${version}`,
        '-cert',
        pem,
        '-quiet',
      );
      assert.match(stderr, alert, `${site} in ${version}`);
    }
    const limit = version === 'tls1_2' ? ['--tls-max', '1.2'] : [];
    const url = `https://crl.test:${edge.port}/`;
    const { code, stderr } = await run('curl', [
      '-sSk',
      ...limit,
      '--resolve',
      `crl.test:${edge.port}:127.0.0.1`,
      '--cert',
      join(edge.directory, 'revoked.pem'),
      url,
    ]);
    assert.notEqual(code, 0);
    assert.match(stderr, /certificate revoked/);
    const served = await run('curl', [
      '-sSk',
      ...limit,
      '--resolve',
      `crl.test:${edge.port}:127.0.0.1`,
      '--cert',
      join(edge.directory, 'good.pem'),
      url,
    ]);
    assert.equal(served.code, 0, served.stderr);
  });
}

test('upstreams are told of the certificate, and never what a client says of one', { skip }, async (t) => {
  const edge = await start(t);
  const named = await client(partner, {
    subject: 'O=A\\, B, CN=x',
    extensions: [CLIENT_AUTH, names(['url', 'spiffe://shop.example/web'], ['dns', 'w.partners.example'])],
  });
  const { body } = await attempt(edge.port, 'plain.test', await clientOptions([named]));
  const thumbprint = Buffer.from(await named.certificate.getThumbprint('SHA-256')).toString('hex');
  const { headers } = JSON.parse(body.slice(body.indexOf('{'), body.lastIndexOf('}') + 1)) as {
    headers: Record<string, string>;
  };
  assert.equal(
    headers['x-forwarded-client-cert'],
    `Hash=${thumbprint};Subject="CN=x,O=A\\, B";URI=spiffe://shop.example/web;DNS=w.partners.example`,
  );
  edge.write('client.pem', good.pem + (await keyPem(good)));
  const forged = await run('curl', [
    '-sk',
    '--resolve',
    `open.test:${edge.port}:127.0.0.1`,
    '-H',
    'X-Forwarded-Client-Cert: Hash=00',
    '-H',
    'X_Forwarded_Client_Cert: Hash=00',
    `https://open.test:${edge.port}/`,
  ]);
  assert.deepEqual(
    Object.keys((JSON.parse(forged.stdout) as { headers: object }).headers).filter((name) =>
      /client.cert/.test(name),
    ),
    [],
  );
  const line = await edge.line(({ tls }) => tls.client.subject === 'CN=x,O=A\\, B');
  assert.equal(line.tls.client.hash?.sha256, thumbprint);
});

test('a resumed session is judged again by the lists of today, in a worker', { skip }, async (t) => {
  const edge = await start(t, {}, { threads: 1 });
  const options = await clientOptions([good]);
  const first = await attempt(edge.port, 'crl.test', options);
  assert.ok(first.session);
  const second = await attempt(edge.port, 'crl.test', { ...options, session: first.session });
  assert.deepEqual([second.end, second.resumed], ['served', true]);
  const { body } = second;
  assert.match(body, /x-forwarded-client-cert/);
  edge.write('partner.crl', await revocationList(partner, [good]));
  await edge.edge.reload();
  const third = await attempt(edge.port, 'crl.test', { ...options, session: first.session });
  assert.deepEqual([third.end, third.resumed], ['certificate_revoked', true]);
});

test('a session is not resumed once the policy trusts another authority', { skip }, async (t) => {
  const edge = await start(t);
  const options = await clientOptions([good]);
  const { session } = await attempt(edge.port, 'plain.test', options);
  edge.write('partner.pem', other.pem);
  await edge.edge.reload();
  const again = await attempt(edge.port, 'plain.test', { ...options, session: session! });
  assert.deepEqual([again.end, again.resumed], ['unknown_ca', false]);
});

test('a client whose chain needs its own intermediate, and one of TLS 1.2, get no ticket', {
  skip,
}, async (t) => {
  const edge = await start(t);
  const intermediate = await authority('CN=Issuing', partner);
  const chained = await attempt(
    edge.port,
    'plain.test',
    await clientOptions([await client(intermediate), intermediate]),
  );
  assert.deepEqual([chained.end, chained.session], ['served', null]);
  edge.write('good.pem', good.pem + (await keyPem(good)));
  const older = await sClient(
    edge.port,
    '-servername',
    'plain.test',
    '-tls1_2',
    '-cert',
    join(edge.directory, 'good.pem'),
  );
  assert.doesNotMatch(older.stdout, /TLS session ticket:/);
  const again = await sClient(
    edge.port,
    ...['-servername', 'plain.test', '-tls1_2', '-reconnect', '-cert', join(edge.directory, 'good.pem')],
  );
  assert.match(again.stdout, /^New, TLSv1.2/m);
  assert.doesNotMatch(again.stdout, /^Reused/m);
});

test('an alert that is not about certificates goes out where tickets are off, too', { skip }, async (t) => {
  const edge = await start(t, {
    ticketless: 'ensure cert.age >= 1h else refuse alert access_denied } tls { tickets off ',
  });
  const { end } = await attempt(edge.port, 'ticketless.test', await clientOptions([fresh]));
  assert.equal(end, 'access_denied');
});

test('what a policy ensures of the hello is decided before TLS, with its alert', { skip }, async (t) => {
  const edge = await start(
    t,
    {},
    {
      policy: `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy picky extends tls.intermediate { ensure hello.alpn has "h2" else refuse alert no_application_protocol }
site all { listen edge  sni any  score none  ladder { from 0 use picky }  on_error use picky }
`,
    },
  );
  const without = await attempt(edge.port, 'other.test');
  assert.equal(without.end, 'no_application_protocol');
  const line = await edge.line(({ source }) => source.port === without.port);
  assert.deepEqual(
    [line.sallyport.tier, line.sallyport.matched, line.tls.established],
    ['ensure', ['ensure hello.alpn has "h2"'], false],
  );
  const { code } = await run('curl', [
    '-sk',
    '--http2',
    '--resolve',
    `other.test:${edge.port}:127.0.0.1`,
    `https://other.test:${edge.port}/`,
  ]);
  assert.equal(code, 0);
});

test('an OCSP responder tells what is revoked, and is asked once', { skip }, async (t) => {
  const issuing = await authority('CN=Issuing CA', partner);
  const delegate = await client(issuing, { subject: 'CN=responder', extensions: [OCSP_SIGNING] });
  const [valid, bad, unheard] = [await client(issuing), await client(issuing), await client(issuing)];
  const responder = await startOcspResponder(t, {
    issuer: issuing,
    signer: delegate,
    valid: [valid],
    revoked: [bad],
  });
  const edge = await start(t, {
    ocsp: `revocation ocsp "${responder.url}"`,
    ocsp_lenient: `revocation ocsp "${responder.url}" on_unknown accept`,
  });
  const end = async (issued: Issued, site = 'ocsp'): Promise<string> =>
    (await attempt(edge.port, `${site}.test`, await clientOptions([issued, issuing]))).end;
  assert.equal(await end(valid), 'served');
  assert.equal(await end(bad), 'certificate_revoked');
  assert.equal(await end(unheard), 'certificate_unknown');
  assert.equal(await end(unheard, 'ocsp_lenient'), 'served');
  const asked = responder.requests();
  assert.equal(await end(valid), 'served');
  assert.equal(await end(bad), 'certificate_revoked');
  assert.equal(responder.requests(), asked);
});

test('a responder that is down, or not the issuer’s, leaves what on_unknown says', { skip }, async (t) => {
  const stranger = await startOcspResponder(t, {
    issuer: partner,
    signer: other,
    valid: [good],
    revoked: [],
  });
  const down = `http://127.0.0.1:${await freePort()}/`;
  const edge = await start(t, {
    down: `revocation ocsp "${down}"`,
    down_lenient: `revocation ocsp "${down}" on_unknown accept`,
    stranger: `revocation ocsp "${stranger.url}"`,
  });
  const options = await clientOptions([good]);
  const sites = ['down', 'down_lenient', 'stranger'];
  const found = await Promise.all(sites.map((site) => attempt(edge.port, `${site}.test`, options)));
  assert.deepEqual(
    found.map(({ end }) => end),
    ['certificate_unknown', 'served', 'certificate_unknown'],
  );
  const lines = await Promise.all(found.map(({ port }) => edge.line(({ source }) => source.port === port)));
  assert.match(lines[0]!.error.message!, /ECONNREFUSED/);
  assert.match(lines[2]!.error.message!, /not signed/);
});

test('in TLS 1.2 a client that OCSP tells to be revoked is cut off before anything is served', {
  skip,
}, async (t) => {
  const responder = await startOcspResponder(t, {
    issuer: partner,
    signer: partner,
    valid: [good],
    revoked: [revoked],
  });
  const edge = await start(t, { ocsp: `revocation ocsp "${responder.url}"` });
  const options = { ...(await clientOptions([revoked])), maxVersion: 'TLSv1.2' as const };
  const { end, body, port } = await attempt(edge.port, 'ocsp.test', options);
  assert.notEqual(end, 'served');
  assert.equal(body, '');
  const line = await edge.line(({ source }) => source.port === port);
  assert.deepEqual([line.event.action, line.sallyport.alert], ['refused', null]);
  // The answer is known now, so that it is told inside the next handshake.
  assert.equal((await attempt(edge.port, 'ocsp.test', options)).end, 'certificate_revoked');
});

test('workers share what OCSP tells: one question is asked of a responder, by whichever of them', {
  skip,
}, async (t) => {
  const { url, requests } = await startOcspResponder(t, {
    issuer: partner,
    signer: partner,
    valid: [good],
    revoked: [],
  });
  const edge = await start(t, { ocsp: `revocation ocsp "${url}"` }, { threads: 2, metrics: true });
  const options = await clientOptions([good]);
  const visits = async (): Promise<ReadonlySet<number>> => {
    const found = await Promise.all(
      Array.from({ length: 8 }, () => attempt(edge.port, 'ocsp.test', options)),
    );
    assert.deepEqual([...new Set(found.map(({ end }) => end))], ['served']);
    await edge.line(() => edge.lines().length % 8 === 0);
    return new Set(edge.lines().map(({ sallyport }) => sallyport.worker));
  };
  await until('both workers have served', async () => (await visits()).size === 2);
  await until('the lookups are counted', async () => {
    const { hits, misses } = (
      edge.edge.status() as { readonly ocsp: { readonly hits: number; readonly misses: number } }
    ).ocsp;
    return misses === 1 && hits === edge.lines().length - 1;
  });
  await until('the responder has told of it', () => requests() > 0);
  assert.equal(requests(), 1);
});
