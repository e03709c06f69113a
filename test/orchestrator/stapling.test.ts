import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CertificateConfig } from '../../src/config/schema.ts';
import { loadCertificates } from '../../src/orchestrator/certificates.ts';
import { type Stapling, staplingOf } from '../../src/orchestrator/stapling.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { authority, type Issued } from '../support/pki.ts';
import { pairOf, type ServerOptions, server } from '../support/server-chain.ts';

const URL = 'http://ocsp.example/';
const directory = mkdtempSync(join(tmpdir(), 'sallyport-stapling-'));
after(() => rmSync(directory, { recursive: true }));
const root = await authority('CN=Root');

/** Only what stapling asks of a program. */
function program(...policies: { readonly ocspStapling: boolean; readonly certificate?: string }[]): Program {
  return { policies: policies.map((tls) => ({ tls: { certificate: null, ...tls } })) } as unknown as Program;
}
const STAPLING = program({ ocspStapling: true });

async function stapling(
  asked: Program,
  options: ServerOptions,
  chain: readonly Issued[] = [root],
  ocsp: Partial<CertificateConfig['ocsp']> = {},
): Promise<Stapling> {
  const { certificate, key } = await pairOf(await server(root, options), ...chain);
  writeFileSync(join(directory, 'site.pem'), certificate);
  writeFileSync(join(directory, 'site.key'), key);
  writeFileSync(join(directory, 'root.pem'), root.pem);
  const site = {
    certificate: join(directory, 'site.pem'),
    key: join(directory, 'site.key'),
    ocsp: { responder: null, file: null, issuer: null, ...ocsp },
  };
  const loaded = loadCertificates({ site });
  assert.ok(loaded.ok);
  return staplingOf(asked, loaded.certificates, { site });
}

function told({ certificates, diagnostics }: Stapling): unknown {
  return [...certificates.map(({ source }) => source), ...diagnostics.map(({ code }) => code)];
}

test('the responder is the configured one, else the one that the certificate names; a file comes before both', async () => {
  assert.deepEqual(told(await stapling(STAPLING, { responder: URL })), [{ url: URL }]);
  const responder = 'http://other.example/';
  assert.deepEqual(told(await stapling(STAPLING, { responder: URL }, [root], { responder })), [
    { url: responder },
  ]);
  const file = '/var/lib/site.ocsp';
  assert.deepEqual(told(await stapling(STAPLING, { responder: URL }, [root], { responder, file })), [
    { file },
  ]);
});

test('a certificate is not stapled without its issuer, which a file of its own may hold', async () => {
  const { certificates, diagnostics } = await stapling(STAPLING, { responder: URL }, []);
  assert.equal(certificates.length, 0);
  assert.match(diagnostics[0]!.message, /its issuer is not in the chain/);
  const namesake = await authority('CN=Root');
  assert.deepEqual(told(await stapling(STAPLING, { responder: URL }, [namesake])), ['CERT-007']);
  const issuer = join(directory, 'root.pem');
  assert.deepEqual(told(await stapling(STAPLING, { responder: URL }, [], { issuer })), [{ url: URL }]);
});

test('a certificate that names no responder, or one of another kind, needs one of the configuration', async () => {
  assert.match((await stapling(STAPLING, {})).diagnostics[0]!.message, /names no OCSP responder/);
  const ldap = await stapling(STAPLING, { responder: 'ldap://ocsp.example/' });
  assert.match(ldap.diagnostics[0]!.message, /not asked over HTTP/);
});

test('answers are wanted for the certificates of policies that staple, and for no others', async () => {
  const others = program({ ocspStapling: true, certificate: 'other' }, { ocspStapling: false });
  assert.deepEqual(told(await stapling(others, { responder: URL })), []);
  const named = program({ ocspStapling: true, certificate: 'site' });
  assert.deepEqual(told(await stapling(named, { responder: URL })), [{ url: URL }]);
});

test('a certificate that clients take only with an answer is warned of where no policy staples it', async () => {
  const options = { responder: URL, mustStaple: true };
  assert.deepEqual(told(await stapling(program({ ocspStapling: false }), options)), ['CERT-006']);
  assert.equal((await stapling(STAPLING, options)).certificates[0]!.own.mustStaple, true);
});
