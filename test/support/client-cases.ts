/** Certificates for each rule of `certificatePolicy`: those that pass and those that fail. */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import {
  authority,
  type CertificateOptions,
  CLIENT_AUTH,
  client,
  DAY_MS,
  generateKeys,
  type Issued,
  names,
  revocationList,
  SERVER_AUTH,
} from './pki.ts';

const HOUR_MS = 3_600_000;
const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]) };

export interface CertificateCase {
  readonly title: string;
  readonly site: string;
  /** What the client sends, leaf first; empty: nothing. */
  readonly chain: readonly Issued[];
  /** `served`, or the name of the alert in TLS 1.3. */
  readonly end: string;
  /** Of the audit's error message. */
  readonly reason?: RegExp;
}

export interface CertificateCases {
  readonly cases: readonly CertificateCase[];
  /** Files of the edge. */
  readonly files: Readonly<Record<string, string>>;
  readonly partner: Issued;
  readonly intermediate: Issued;
  readonly good: Issued;
}

/** Makes them all; the keys of most clients are the same, since only their certificates matter. */
export async function makeCertificateCases(): Promise<CertificateCases> {
  const keys = await generateKeys();
  const partner = await authority('CN=Partner CA');
  const other = await authority('CN=Other CA');
  const stranger = await authority('CN=Stranger CA');
  const intermediate = await authority('CN=Partner Issuing CA', partner, { pathLength: 0 });
  const below = await authority('CN=Third CA', intermediate);
  const expiredCa = await authority('CN=Late CA', partner, { to: -HOUR_MS });
  const narrow = await authority('CN=Narrow CA', partner, {
    extensions: [nameConstraints('partners.example')],
  });
  const noCa = await client(partner, { keys: await generateKeys() });
  const make = (issuer: Issued | null, options: CertificateOptions = {}): Promise<Issued> =>
    client(issuer, { keys, ...options });
  const good = await make(partner);
  const revoked = await make(partner);
  const viaIntermediate = await make(intermediate);
  const banned = await make(partner);
  const renamed = await authority('CN=Partner CA');
  const spiffe = (id: string): Promise<Issued> =>
    make(partner, { extensions: [CLIENT_AUTH, names(['url', id])] });
  const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' };
  const p384Ca = await authority('CN=P-384 CA', partner, { algorithm: p384 });
  const cases: CertificateCase[] = [];
  const add = (title: string, site: string, chain: readonly Issued[], end: string, reason?: RegExp): void => {
    cases.push({ title, site, chain, end, ...(reason === undefined ? {} : { reason }) });
  };

  add('of the trusted authority', 'plain', [good], 'served');
  add('none where one is required', 'plain', [], 'certificate_required', /showed no certificate/);
  add(
    'of an authority that is not trusted',
    'plain',
    [await make(stranger)],
    'unknown_ca',
    /unable to get local issuer/,
  );
  add('signed by itself', 'plain', [await make(null)], 'unknown_ca', /self-signed/);
  add(
    'of an authority with the trusted one’s name and another key',
    'plain',
    [await make(renamed)],
    'bad_certificate',
  );
  add('through an intermediate that is sent along', 'plain', [viaIntermediate, intermediate], 'served');
  add('through an intermediate that is not sent', 'plain', [viaIntermediate], 'unknown_ca');
  add('with the root sent along', 'plain', [good, partner], 'served');
  add('with certificates that do not belong to its chain', 'plain', [good, stranger, other], 'served');
  add(
    'through two intermediates of which the first allows none below',
    'plain',
    [await make(below), below, intermediate],
    'bad_certificate',
    /path length/,
  );
  add('issued by what is no authority', 'plain', [await make(noCa), noCa], 'unknown_ca');
  add(
    'expired',
    'plain',
    [await make(partner, { from: -9 * DAY_MS, to: -HOUR_MS })],
    'certificate_expired',
    /has expired/,
  );
  add(
    'not yet valid',
    'plain',
    [await make(partner, { from: HOUR_MS })],
    'certificate_expired',
    /not yet valid/,
  );
  add(
    'of an intermediate that has expired',
    'plain',
    [await make(expiredCa), expiredCa],
    'certificate_expired',
  );
  add(
    'for servers only',
    'plain',
    [await make(partner, { extensions: [SERVER_AUTH] })],
    'unsupported_certificate',
    /purpose/,
  );
  add('for no purpose in particular', 'plain', [await make(partner, { extensions: [] })], 'served');
  add(
    'with a critical extension that nobody knows',
    'plain',
    [await make(partner, { extensions: [CLIENT_AUTH, unknownExtension(true)] })],
    'unsupported_certificate',
    /critical extension/,
  );
  add(
    'with an extension that nobody knows and need not',
    'plain',
    [await make(partner, { extensions: [CLIENT_AUTH, unknownExtension(false)] })],
    'served',
  );
  add(
    'with a name that its authority may issue',
    'plain',
    [await make(narrow, { extensions: [CLIENT_AUTH, names(['dns', 'a.partners.example'])] }), narrow],
    'served',
  );
  add(
    'with a name that its authority may not issue',
    'plain',
    [await make(narrow, { extensions: [CLIENT_AUTH, names(['dns', 'a.elsewhere.example'])] }), narrow],
    'bad_certificate',
    /permitted subtree/,
  );
  add(
    'with an extension twice',
    'plain',
    [await make(partner, { extensions: [CLIENT_AUTH, CLIENT_AUTH] })],
    'unknown_ca',
  );
  add(
    'with a NUL in a name',
    'plain',
    [
      await make(partner, {
        extensions: [CLIENT_AUTH, names(['dns', 'good.partners.example\0.evil.example'])],
      }),
    ],
    'bad_certificate',
    /character/,
  );
  add(
    'with names beyond number',
    'plain',
    [
      await make(partner, {
        extensions: [
          CLIENT_AUTH,
          names(...Array.from({ length: 400 }, (_, i) => ['dns', `n${i}.example`] as const)),
        ],
      }),
    ],
    'bad_certificate',
    /more than 256/,
  );
  add(
    'with names beyond size',
    'plain',
    [await make(partner, { subject: `CN=${'x'.repeat(7_000)}` })],
    'bad_certificate',
    /longer than/,
  );
  add(
    'that is larger than what is read',
    'plain',
    [await make(partner, { extensions: [CLIENT_AUTH, unknownExtension(false, 40_000)] })],
    'illegal_parameter',
  );
  add(
    'with more certificates than are looked at',
    'plain',
    [good, ...Array.from({ length: 12 }, () => stranger)],
    'unknown_ca',
    /too long/,
  );
  add(
    'with a key that is too large',
    'plain',
    [await make(partner, { keys: await generateKeys({ ...RSA, modulusLength: 2_048 }) })],
    'served',
  );

  add('in a chain of two where two are allowed', 'depth2', [good], 'served');
  add('in a chain of three where two are allowed', 'depth2', [viaIntermediate, intermediate], 'unknown_ca');
  add('in a chain of three where three are allowed', 'depth3', [viaIntermediate, intermediate], 'served');
  add('of the issuer that is demanded', 'issuer', [good], 'served');
  add(
    'of another issuer than is demanded',
    'issuer',
    [viaIntermediate, intermediate],
    'unknown_ca',
    /cert\.issuer/,
  );
  add(
    'with the subject that is demanded',
    'subject',
    [await make(partner, { subject: 'O=Partner, CN=billing' })],
    'served',
  );
  add('with another subject', 'subject', [good], 'access_denied', /cert\.subject/);
  add(
    'with a name of the pattern',
    'dns',
    [
      await make(partner, {
        extensions: [CLIENT_AUTH, names(['dns', 'x.example'], ['dns', 'A.Partners.example'])],
      }),
    ],
    'served',
  );
  add(
    'with no name of the pattern',
    'dns',
    [await make(partner, { extensions: [CLIENT_AUTH, names(['dns', 'partners.example.evil.example'])] })],
    'access_denied',
    /san_dns/,
  );
  add('without a name where one is demanded', 'dns', [good], 'access_denied');
  add('with the URI that is demanded', 'uri', [await spiffe('https://partner.example/app')], 'served');
  add('with another URI', 'uri', [await spiffe('https://partner.example/other')], 'certificate_unknown');
  add('with a SPIFFE ID of the set', 'spiffe', [await spiffe('spiffe://shop.example/web')], 'served');
  add(
    'with a SPIFFE ID of another service',
    'spiffe',
    [await spiffe('spiffe://shop.example/backup')],
    'access_denied',
  );
  add('without a SPIFFE ID where one is demanded', 'spiffe', [good], 'access_denied');
  add(
    'with two URIs, which makes it no SPIFFE document',
    'spiffe',
    [
      await make(partner, {
        extensions: [
          CLIENT_AUTH,
          names(['url', 'spiffe://shop.example/web'], ['url', 'spiffe://shop.example/x']),
        ],
      }),
    ],
    'access_denied',
  );
  add('with the purpose that is demanded', 'eku', [good], 'served');
  add(
    'without any purpose where one is demanded',
    'eku',
    [await make(partner, { extensions: [] })],
    'unsupported_certificate',
  );
  add(
    'with a key that is allowed',
    'key',
    [await make(partner, { keys: await generateKeys(p384) })],
    'served',
  );
  add(
    'with a key of 3,072 bits',
    'key',
    [await make(partner, { keys: await generateKeys({ ...RSA, modulusLength: 3_072 }) })],
    'served',
  );
  add('with a key that is not allowed', 'key', [good], 'insufficient_security', /cert\.key/);
  add('signed by the scheme that is demanded', 'sigalg', [good], 'served');
  add('signed by another scheme', 'sigalg', [await make(p384Ca), p384Ca], 'bad_certificate');
  add('with enough time left', 'remaining', [good], 'served');
  add(
    'with too little time left',
    'remaining',
    [await make(partner, { to: 71 * HOUR_MS })],
    'certificate_expired',
    /cert\.remaining/,
  );
  add('old enough', 'age', [good], 'served');
  add('made just now', 'age', [await make(partner, { from: -60_000 })], 'certificate_unknown');
  add('made for as long as is allowed', 'lifetime', [good], 'served');
  add(
    'made for longer than is allowed',
    'lifetime',
    [await make(partner, { to: 100 * DAY_MS })],
    'bad_certificate',
    /not met: ensure cert\.lifetime <= 90d/,
  );
  add('of the one of two authorities that is demanded', 'authority', [good], 'served');
  add('of the other of two authorities', 'authority', [await make(other)], 'unknown_ca', /cert\.ca/);
  add('that is on no list of fingerprints', 'fingerprint', [good], 'served');
  add('that is on the list of fingerprints', 'fingerprint', [banned], 'certificate_revoked');
  add('that is not in the feed of revoked ones', 'feed', [good], 'served');
  add('that is in the feed of revoked ones', 'feed', [banned], 'certificate_revoked');
  add('that its issuer’s list does not name', 'crl', [good], 'served');
  add('that its issuer’s list names', 'crl', [revoked], 'certificate_revoked', /is revoked/);
  add(
    'of an issuer without a list',
    'crl',
    [viaIntermediate, intermediate],
    'certificate_unknown',
    /no revocation list/,
  );
  add(
    'of an issuer without a list, where that is accepted',
    'lenient',
    [viaIntermediate, intermediate],
    'served',
  );
  add('named by the list, where what is unknown is accepted', 'lenient', [revoked], 'certificate_revoked');
  add('whose issuer’s list is out of date', 'stale', [good], 'certificate_unknown', /out of date/);
  add('named by a list that is out of date', 'stale', [revoked], 'certificate_revoked');
  add('whose issuer’s list was signed by another', 'forged', [good], 'certificate_unknown', /not signed/);
  add(
    'that fails the first of two demands',
    'several',
    [await make(partner, { to: 100 * DAY_MS })],
    'bad_certificate',
    /lifetime/,
  );
  add(
    'that fails the second of two demands',
    'several',
    [await make(partner, { from: -60_000 })],
    'access_denied',
    /cert\.age/,
  );
  add('that passes both demands', 'several', [good], 'served');

  add('none where one is only asked for', 'asked', [], 'served');
  add('good where one is only asked for', 'asked', [good], 'served');
  add(
    'that a rule of the site forbids',
    'asked',
    [await spiffe('spiffe://shop.example/backup')],
    'access_denied',
  );
  add(
    'of nobody, claiming a name, where one is only asked for',
    'asked',
    [await make(stranger, { extensions: [CLIENT_AUTH, names(['url', 'spiffe://shop.example/backup'])] })],
    'served',
  );
  add(
    'that raises the score over a rung',
    'scored',
    [await make(partner, { from: -60_000 })],
    'access_denied',
  );
  add('that leaves the score alone', 'scored', [good], 'served');
  add('where none is asked for', 'open', [good], 'served');

  const files = {
    'partner.pem': partner.pem,
    'other.pem': other.pem,
    'banned.txt': `${await fingerprint(banned)}\n`,
    'partner.crl': await revocationList(partner, [revoked]),
    'stale.crl': await revocationList(partner, [revoked], { from: -2 * DAY_MS, to: -DAY_MS }),
    'forged.crl': await revocationList(partner, [], { signer: stranger }),
  };
  return { cases, files, partner, intermediate, good };
}

async function fingerprint({ certificate }: Issued): Promise<string> {
  return Buffer.from(await certificate.getThumbprint('SHA-256')).toString('hex');
}

function unknownExtension(critical: boolean, bytes = 4): x509.Extension {
  const content = Buffer.alloc(bytes, 0x20);
  const octets = Buffer.concat([
    Buffer.from(bytes < 128 ? [0x04, bytes] : [0x04, 0x82, bytes >> 8, bytes & 0xff]),
    content,
  ]);
  return new x509.Extension('1.3.6.1.4.1.99999.1', critical, octets);
}

/** Permits DNS names under one domain (RFC 5280 section 4.2.1.10). */
function nameConstraints(domain: string): x509.Extension {
  const name = Buffer.from(domain);
  const wrap = (tag: number, content: Buffer): Buffer =>
    Buffer.concat([Buffer.from([tag, content.length]), content]);
  const content = wrap(0x30, wrap(0xa0, wrap(0x30, wrap(0x82, name))));
  return new x509.Extension('2.5.29.30', true, content);
}
