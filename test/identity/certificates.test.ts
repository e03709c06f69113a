import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CertificateAttributes, MAX_NAMES, readAttributes } from '../../src/identity/attributes.ts';
import { partsOf } from '../../src/identity/certificate-parts.ts';
import { CertificateReader, NO_CERTIFICATE } from '../../src/identity/client-certificate.ts';
import { DerError } from '../../src/identity/der.ts';
import { forwardedCertificate } from '../../src/identity/forwarded.ts';
import { damage, damaged } from '../support/damage.ts';
import { authority, CLIENT_AUTH, client, generateKeys, type Issued, names } from '../support/pki.ts';
import { run } from '../support/tools.ts';

const partner = await authority('CN=Partner CA');
const der = ({ certificate }: Issued): Uint8Array => new Uint8Array(certificate.rawData);

function read(issued: Issued): CertificateAttributes {
  const attributes = readAttributes(der(issued));
  assert.ok(!('problem' in attributes));
  return attributes;
}

const full = await client(partner, {
  subject: 'C=NL, O=Acme\\, Inc., OU=Ünit + CN=x, E=a@b.example, 2.5.4.5=9, CN=\\#lead',
  extensions: [
    CLIENT_AUTH,
    names(
      ['dns', 'A.Example'],
      ['dns', '*.b.example'],
      ['url', 'spiffe://td.example/a/b'],
      ['email', 'a@b.example'],
    ),
  ],
  serial: '00ab01',
});

test('attributes are what openssl shows of the same certificate', async () => {
  const file = join(tmpdir(), `sallyport-attributes-${process.pid}.pem`);
  writeFileSync(file, full.pem);
  const { stdout } = await run('openssl', [
    'x509',
    '-in',
    file,
    '-noout',
    '-subject',
    '-issuer',
    '-serial',
    '-fingerprint',
    '-sha256',
    '-startdate',
    '-enddate',
    '-nameopt',
    'RFC2253,-esc_msb,utf8',
  ]);
  const shown = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const found = read(full);
  assert.equal(found.subject, shown.subject);
  assert.equal(found.issuer, shown.issuer);
  assert.equal(found.serial, shown.serial!.toLowerCase().replace(/^0+/, ''));
  assert.equal(found.fingerprint, shown['sha256 Fingerprint']!.replaceAll(':', '').toLowerCase());
  assert.equal(found.notBeforeMs, Date.parse(shown.notBefore!));
  assert.equal(found.notAfterMs, Date.parse(shown.notAfter!));
});

test('names, purposes and the SPIFFE ID are read in the forms of the language', () => {
  const { sanDns, sanUri, spiffe, eku, key, sigalg } = read(full);
  assert.deepEqual(
    { sanDns, sanUri, spiffe, eku: [...eku], key, sigalg },
    {
      sanDns: ['a.example', '*.b.example'],
      sanUri: ['spiffe://td.example/a/b'],
      spiffe: 'spiffe://td.example/a/b',
      eku: ['client_auth'],
      key: 'ec_p256',
      sigalg: 'ecdsa_secp256r1_sha256',
    },
  );
});

test('keys and signature schemes of every kind have the names of the language', async () => {
  const rsa = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-384',
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const kinds: readonly (readonly [object, string, string])[] = [
    [rsa, 'rsa_2048', 'rsa_pkcs1_sha384'],
    [{ ...rsa, name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 }, 'rsa_2048', 'rsa_pss_rsae_sha256'],
    [{ name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }, 'ec_p384', 'ecdsa_secp384r1_sha384'],
    [{ name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' }, 'ec_p521', 'ecdsa_secp521r1_sha512'],
    [{ name: 'Ed25519' }, 'ed25519', 'ed25519'],
  ];
  for (const [algorithm, key, sigalg] of kinds) {
    const issued = await client(null, { algorithm, keys: await generateKeys(algorithm) });
    assert.deepEqual([read(issued).key, read(issued).sigalg], [key, sigalg]);
  }
});

for (const [uri, why] of [
  ['spiffe://TD/x', 'an upper-case trust domain'],
  ['spiffe://td/', 'an empty part of the path'],
  ['spiffe://td/a//b', 'an empty part between others'],
  ['spiffe://td/../b', 'a relative part'],
  ['spiffe://td/a?b', 'a query'],
  ['spiffe://', 'no trust domain'],
  ['https://td/a', 'another scheme'],
] as const) {
  test(`${uri} is no SPIFFE ID: ${why}`, async () => {
    assert.equal(read(await client(partner, { extensions: [names(['url', uri])] })).spiffe, null);
  });
}

for (const [name, why] of [
  ['a\0b.example', 'a NUL'],
  ['a b.example', 'a space'],
  ['a..example', 'an empty label'],
  ['münchen.example', 'letters that host names are not written with'],
  [`${'a'.repeat(64)}.example`, 'a label that is too long'],
] as const) {
  test(`a certificate with ${why} in a host name is not read at all`, async () => {
    const issued = await client(partner, { extensions: [names(['dns', 'good.example'], ['dns', name])] });
    assert.ok('problem' in readAttributes(der(issued)));
  });
}

test('names beyond the limit make a certificate unreadable, those at it do not', async () => {
  const many = (count: number): Promise<Issued> =>
    client(partner, {
      extensions: [names(...Array.from({ length: count }, (_, i) => ['dns', `n${i}.x`] as const))],
    });
  assert.ok(!('problem' in readAttributes(der(await many(MAX_NAMES)))));
  assert.ok('problem' in readAttributes(der(await many(MAX_NAMES + 1))));
});

test('the parts of a certificate are those that Node finds', () => {
  const { serial, publicKey } = partsOf(der(full));
  const certificate = new X509Certificate(full.pem);
  assert.equal(
    Buffer.from(serial).toString('hex').replace(/^00/, ''),
    certificate.serialNumber.toLowerCase().replace(/^00/, ''),
  );
  assert.deepEqual(Buffer.from(publicKey), certificate.publicKey.export({ type: 'spki', format: 'der' }));
});

test('of a certificate that is not verified nothing is read but that it is there', () => {
  const found = new CertificateReader().read(20, 'unable to get local issuer certificate', [der(full)], []);
  assert.deepEqual(found, {
    ...NO_CERTIFICATE,
    present: true,
    failure: {
      reason: "the client's certificate: unable to get local issuer certificate",
      alert: 'unknown_ca',
    },
  });
});

test('the field for upstreams has no quote, separator or character that its reader could trip over', async () => {
  const hostile = await client(partner, {
    subject: 'CN="a\\";URI=spiffe://shop.example/admin;x=\\"é\\\\"',
    extensions: [names(['url', 'https://x/a;URI=spiffe://shop.example/admin,"b\\'])],
  });
  const reader = new CertificateReader();
  const text = forwardedCertificate(reader.read(0, '', [der(hostile), der(partner)], []));
  assert.match(text, /^Hash=[0-9a-f]{64};Subject="[^"]*";URI=[^;,"]*$/);
  assert.match(text, /^[\x20-\x7e]*$/);
});

test('damaged certificates are read or refused, and never throw', () => {
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = damaged(der(full), changes);
      const attributes = readAttributes(bytes);
      assert.ok('problem' in attributes || /^[0-9a-f]{64}$/.test(attributes.fingerprint));
      try {
        partsOf(bytes);
      } catch (error) {
        assert.ok(error instanceof DerError);
      }
      new CertificateReader().read(0, '', [bytes, bytes], []);
    }),
    { numRuns: 2_000 },
  );
});

test('an extension of elements in elements takes no more time than others', async () => {
  const depth = 8_000;
  const nested = new Uint8Array(depth * 4);
  for (let i = 0, left = depth * 4; i < depth; i++) {
    left -= 4;
    nested.set([0x30, 0x82, left >> 8, left & 0xff], i * 4);
  }
  const started = performance.now();
  assert.ok('problem' in readAttributes(nested));
  assert.ok(performance.now() - started < 2_000);
});
