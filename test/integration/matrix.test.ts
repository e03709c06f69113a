/** What clients negotiate under the entries of a policy, read off the wire by tshark; all of it is `npm run matrix`. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { TLS_ENTRIES } from '../../src/pdl/syntax/parse-policy.ts';
import { compiledEntries, startMatrixEdge } from '../matrix/edge.ts';
import { ENTRIES, hostOf } from '../matrix/entries.ts';
import { assertSees, isChoosy } from '../matrix/expected.ts';
import { sslscan, testssl, type View } from '../matrix/scanners.ts';
import { readWire, showSeen } from '../matrix/wire.ts';
import { startCapture, withoutCapture } from '../support/capture.ts';
import { startTestEdge, TEST_NAMES } from '../support/edge.ts';
import { authority } from '../support/pki.ts';
import { missing, run } from '../support/tools.ts';

const skip = await withoutCapture();

/** One handshake of Node's own client, whose secrets are told. */
async function handshake(
  port: number,
  options: ConnectionOptions,
  keylog: (line: Buffer) => void,
): Promise<void> {
  const client = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  client.on('keylog', keylog).on('error', () => {});
  client.once('secureConnect', () => client.end('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'));
  client.resume();
  await new Promise((resolve) => client.once('close', resolve));
}

test('each entry of a policy is what Node negotiates on the wire', { skip }, async (t) => {
  const { port } = await startMatrixEdge(t);
  const capture = await startCapture(t, port);
  for (const entry of Object.keys(ENTRIES)) {
    const options = { servername: hostOf(entry), ALPNProtocols: ['http/1.1'], requestOCSP: true };
    await handshake(port, options, (line) => capture.keylog(line));
  }
  // Shares a key of x25519 alone, and lists the hybrid group behind it.
  const listed = {
    servername: hostOf('post-quantum'),
    ecdhCurve: 'X25519:X25519MLKEM768',
    ALPNProtocols: ['http/1.1'],
  };
  await handshake(port, listed, (line) => capture.keylog(line));
  await handshake(port, { servername: hostOf('no-alpn-no-entry') }, (line) => capture.keylog(line));
  const seen = (await readWire(capture, port)).map((each) => [
    each.name.replace('.localhost', ''),
    showSeen(each),
  ]);
  const ecdsa = 'ecdsa_secp256r1_sha256, http/1.1';
  const hybrid = (suite: string, end = `${ecdsa}, 1 ticket`): string =>
    `TLS 1.3, ${suite}, X25519MLKEM768, ${end}`;
  const old = (suite: string, end: string): string => `TLS 1.2, ECDHE_${suite}, x25519, ${end}`;
  const usual = hybrid('AES_128_GCM_SHA256');
  assert.deepEqual(seen, [
    ['intermediate', usual],
    ['modern', hybrid('AES_256_GCM_SHA384')],
    ['post-quantum', usual],
    ['tls12-only', old('ECDSA_WITH_AES_128_GCM_SHA256', `${ecdsa}, 1 ticket`)],
    ['tls13-only', usual],
    ['chacha-first', hybrid('CHACHA20_POLY1305_SHA256')],
    ['aes256-first', hybrid('AES_256_GCM_SHA384')],
    ['without-aes128', hybrid('AES_256_GCM_SHA384')],
    ['client-order', hybrid('AES_256_GCM_SHA384')],
    ['tls12-client-order', old('RSA_WITH_AES_128_GCM_SHA256', 'rsa_pss_rsae_sha256, http/1.1, 1 ticket')],
    ['tls12-chacha-first', old('ECDSA_WITH_CHACHA20_POLY1305_SHA256', `${ecdsa}, 1 ticket`)],
    ['p384-only', `TLS 1.3, AES_128_GCM_SHA256, secp384r1 (asked again), ${ecdsa}, 1 ticket`],
    ['p256-first', `TLS 1.3, AES_128_GCM_SHA256, x25519, ${ecdsa}, 1 ticket`],
    ['p521-too', usual],
    ['rsa-signatures', hybrid('AES_128_GCM_SHA256', 'rsa_pss_rsae_sha256, http/1.1, 1 ticket')],
    ['rsa-certificate', hybrid('AES_128_GCM_SHA256', 'rsa_pss_rsae_sha256, http/1.1, 1 ticket')],
    ['http11-only', usual],
    ['h2-only', 'alert no_application_protocol'],
    ['no-tickets', hybrid('AES_128_GCM_SHA256', `${ecdsa}, 0 tickets`)],
    ['tls12-no-tickets', old('ECDSA_WITH_AES_128_GCM_SHA256', `${ecdsa}, 0 tickets`)],
    ['switched-off', usual],
    ['staples', hybrid('AES_128_GCM_SHA256', `${ecdsa}, OCSP stapled, 1 ticket`)],
    ['tls12-staples', old('ECDSA_WITH_AES_128_GCM_SHA256', `${ecdsa}, OCSP stapled, 1 ticket`)],
    ['asks-certificate', hybrid('AES_128_GCM_SHA256', `${ecdsa}, certificate asked, 1 ticket`)],
    [
      'tls12-asks-certificate',
      old('ECDSA_WITH_AES_128_GCM_SHA256', `${ecdsa}, certificate asked, 0 tickets`),
    ],
    [
      'certificate-required',
      hybrid('AES_128_GCM_SHA256', `${ecdsa}, certificate asked, 0 tickets, then alert certificate_required`),
    ],
    [
      'own-extensions',
      hybrid(
        'AES_128_GCM_SHA256',
        `${ecdsa}, certificate asked, 1 ticket, 0xff5b in certificate_request, 0xff5c in new_session_ticket`,
      ),
    ],
    ['no-alpn-no-entry', usual],
    ['no-encrypt-then-mac', 'alert unsupported_extension'],
    ['few-types', 'alert illegal_parameter'],
    ['at-most-13', usual],
    ['in-order', usual],
    ['post-quantum', `TLS 1.3, AES_128_GCM_SHA256, X25519MLKEM768 (asked again), ${ecdsa}, 1 ticket`],
    ['no-alpn-no-entry', 'alert no_application_protocol'],
  ]);
});

test('every entry that a tls section may have is in the matrix', () => {
  const written = Object.values(ENTRIES).map(({ text }) => /tls \{([^}]*)\}/.exec(text)?.[1] ?? '');
  for (const key of TLS_ENTRIES) {
    assert.ok(
      written.some((text) => new RegExp(`\\b${key}\\b`).test(text)),
      `no entry of the matrix has \`${key}\``,
    );
  }
});

test('sslscan sees of each entry the versions, suites in their order, and groups that its policy says', {
  skip: await missing('sslscan'),
}, async (t) => {
  const { port } = await startMatrixEdge(t);
  const views = new Map<string, View>();
  for (const [entry, policy] of compiledEntries()) {
    const view = await sslscan(hostOf(entry), port);
    views.set(entry, view);
    if (!isChoosy(policy)) assertSees(view, policy, 'sslscan', entry);
  }
  // why: it offers no protocol by ALPN, no key share in TLS 1.2, and encrypt_then_mac always.
  assert.deepEqual(views.get('no-alpn-no-entry')!.versions, []);
  assert.deepEqual(views.get('in-order')!.versions, ['1.3']);
  assert.deepEqual(Object.values(views.get('no-encrypt-then-mac')!.suites).flat(), []);
});

test('testssl.sh sees the versions, the suites in their order, the preference and the protocols', {
  skip: await missing('testssl'),
}, async (t) => {
  const { port } = await startMatrixEdge(t);
  const entry = 'tls12-chacha-first';
  const view = await testssl(hostOf(entry), port, ['-p', '-P']);
  assertSees(view, compiledEntries().get(entry)!, 'testssl.sh', entry);
});

/** The same host name; only the address tells the two clients apart. */
const RISKS = `pdl 1
import "std/tls" as tls
ca clients from file "clients.pem"
feed strangers of cidr from file "networks.txt" { }
score risk { clamp 0..100  signal stranger +80 when conn.ip in strangers }
policy known   extends tls.intermediate { tls { groups = [ X25519MLKEM768, x25519 ] } }
policy strange extends tls.modern {
  tls { ciphers = [ TLS_AES_256_GCM_SHA384 ]  groups = [ secp384r1 ]  alpn = [ "http/1.1" ]  tickets off }
  client_cert request { trust [ clients ] }
  rank 50
}
site main { listen edge  sni any  score risk  ladder { from 0 use known  from 50 use strange }  on_error use strange }
`;

test('two clients of different risk get other suites, groups and demands for certificates under one name, in the same second', {
  skip,
}, async (t) => {
  const { pem } = await authority('CN=clients');
  const { port, directory } = await startTestEdge(t, {
    policy: RISKS,
    networks: '127.0.0.2/32\n',
    files: { 'clients.pem': pem },
  });
  const capture = await startCapture(t, port);
  const keys = join(directory, 'keys.log');
  const visit = (from: string): Promise<unknown> =>
    run('env', [
      ...[`SSLKEYLOGFILE=${keys}`, 'curl', '--silent', '--insecure', '--interface', from],
      ...['--output', '/dev/null', '--connect-to', `::127.0.0.1:${port}`, `https://${TEST_NAMES[0]!}/`],
    ]);
  await Promise.all([visit('127.0.0.1'), visit('127.0.0.2')]);
  capture.keylog(readFileSync(keys));
  const seen = await readWire(capture, port);
  const shown = seen.map(({ name, cipher, group, asked, tickets }) => ({
    name,
    cipher,
    group,
    asked,
    tickets,
  }));
  assert.deepEqual(
    shown.toSorted((a, b) => Number(a.asked) - Number(b.asked)),
    [
      { name: 'localhost', cipher: 'TLS_AES_128_GCM_SHA256', group: 'x25519', asked: false, tickets: 1 },
      { name: 'localhost', cipher: 'TLS_AES_256_GCM_SHA384', group: 'secp384r1', asked: true, tickets: 0 },
    ],
  );
  const [one, other] = seen.map(({ helloAtMs }) => helloAtMs);
  assert.ok(Math.abs(one! - other!) < 1_000, `${one} and ${other} are in one second`);
});
