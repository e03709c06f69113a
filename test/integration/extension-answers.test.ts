/** What clients answer, in their Certificate, to own extensions of the server's CertificateRequest (RFC 8446 section 4.4.2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { tlsAddon as addon, skip } from '../support/addon.ts';
import { startTestEdge } from '../support/edge.ts';
import { authority, client, keyPem } from '../support/pki.ts';
import { attempt } from '../support/tls-client.ts';

const POLICY = `pdl 1
import "std/tls" as tls
ca clients from file "clients.pem"
score none { clamp 0..100 }
policy asking extends tls.intermediate {
  extensions { send ext(0xff5b) "which device?" in certificate_request }
  client_cert request {
    trust [ clients ]
    ensure any(cert.answers) like "ff5b:6c61*" else refuse alert access_denied
  }
}
site main { listen edge  sni any  score none  ladder { from 0 use asking }  on_error use asking }
`;
const TYPE = 0xff5b;
/** OpenSSL's bits of the messages (SSL_EXT_TLS1_3_…). */
const CERTIFICATE = 0x1000;
const CERTIFICATE_REQUEST = 0x4000;

/** A client that answers with a text, as OpenSSL lets any client do; null: not at all. */
function answering(text: string | null, options: SecureContextOptions): SecureContext {
  const { context, handle } = addon.captureContext(() => createSecureContext(options));
  if (text === null) return context;
  const content = Buffer.from(text);
  addon.addExtension(handle, TYPE, [
    { message: CERTIFICATE, content },
    { message: CERTIFICATE_REQUEST, content },
  ]);
  return context;
}

test('an answer to an own extension of the CertificateRequest is a fact that certificates are judged by', {
  skip,
}, async (t) => {
  const root = await authority('CN=clients');
  const device = await client(root);
  const { port } = await startTestEdge(t, { policy: POLICY, files: { 'clients.pem': root.pem } });
  const identity = { key: await keyPem(device), cert: device.pem };
  const end = async (text: string | null, options: SecureContextOptions = {}): Promise<string> => {
    const secureContext = answering(text, { ...identity, ...options });
    return (await attempt(port, 'localhost', { secureContext })).end;
  };
  assert.equal(await end('laptop 7'), 'served');
  assert.equal(await end('phone'), 'access_denied');
  assert.equal(await end(''), 'access_denied');
  assert.equal(await end(null), 'access_denied');
  assert.equal(await end('laptop '.repeat(40)), 'access_denied', 'longer than a fact can be');
  assert.equal(
    await end('laptop 7', { maxVersion: 'TLSv1.2' }),
    'access_denied',
    'TLS 1.2 has no such extensions',
  );
});

test('a client that answered is given no ticket, since its session would not hold the answer', {
  skip,
}, async (t) => {
  const root = await authority('CN=clients');
  const device = await client(root);
  const { port } = await startTestEdge(t, { policy: POLICY, files: { 'clients.pem': root.pem } });
  const secureContext = answering('laptop 7', { key: await keyPem(device), cert: device.pem });
  const first = await attempt(port, 'localhost', { secureContext });
  assert.equal(first.end, 'served');
  assert.equal(first.session, null);
});

test('a client without a certificate is not held to an answer', { skip }, async (t) => {
  const root = await authority('CN=clients');
  const { port } = await startTestEdge(t, { policy: POLICY, files: { 'clients.pem': root.pem } });
  assert.equal((await attempt(port, 'localhost')).end, 'served');
});
