/** What clients negotiate under the entries of a policy, read off the wire by tshark; all of it is `npm run matrix`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { ENTRIES, hostOf, matrixPolicy } from '../matrix/entries.ts';
import { readWire, type Seen, showSeen } from '../matrix/wire.ts';
import { startCapture, withoutCapture } from '../support/capture.ts';
import { makeCertificate } from '../support/certificate.ts';
import { startTestEdge, TEST_NAMES } from '../support/edge.ts';
import { run } from '../support/tools.ts';

const skip = await withoutCapture();
const CLASSICAL = 'x25519';

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
  const rsa = await makeCertificate({ names: Object.keys(ENTRIES).map(hostOf), kind: 'rsa' });
  const ecdsa = await makeCertificate({ names: Object.keys(ENTRIES).map(hostOf) });
  const { port } = await startTestEdge(t, {
    policy: matrixPolicy(),
    certificates: { rsa, ecdsa },
    listener: { certificates: ['ecdsa', 'rsa'] },
  });
  const capture = await startCapture(t, port);
  for (const entry of Object.keys(ENTRIES)) {
    const options = { servername: hostOf(entry), ALPNProtocols: ['http/1.1'] };
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
  const ecdsaEnd = 'ecdsa_secp256r1_sha256, http/1.1, 1 ticket';
  const hybrid = (suite: string): string => `TLS 1.3, ${suite}, X25519MLKEM768, ${ecdsaEnd}`;
  assert.deepEqual(seen, [
    ['intermediate', hybrid('AES_128_GCM_SHA256')],
    ['modern', hybrid('AES_256_GCM_SHA384')],
    ['post-quantum', hybrid('AES_128_GCM_SHA256')],
    [
      'tls12-only',
      'TLS 1.2, ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, x25519, ecdsa_secp256r1_sha256, http/1.1, 1 ticket',
    ],
    ['chacha-first', hybrid('CHACHA20_POLY1305_SHA256')],
    ['aes256-first', hybrid('AES_256_GCM_SHA384')],
    ['p384-only', `TLS 1.3, AES_128_GCM_SHA256, secp384r1 (asked again), ${ecdsaEnd}`],
    ['p256-first', `TLS 1.3, AES_128_GCM_SHA256, x25519, ${ecdsaEnd}`],
    [
      'rsa-signatures',
      'TLS 1.3, AES_128_GCM_SHA256, X25519MLKEM768, rsa_pss_rsae_sha256, http/1.1, 1 ticket',
    ],
    ['http11-only', hybrid('AES_128_GCM_SHA256')],
    ['no-tickets', hybrid('AES_128_GCM_SHA256').replace('1 ticket', '0 tickets')],
    ['no-alpn-no-entry', hybrid('AES_128_GCM_SHA256')],
    ['post-quantum', `TLS 1.3, AES_128_GCM_SHA256, X25519MLKEM768 (asked again), ${ecdsaEnd}`],
    ['no-alpn-no-entry', 'alert no_application_protocol'],
  ]);
});

/** The same host name; only the address tells the two clients apart. */
const RISKS = `pdl 1
import "std/tls" as tls
feed strangers of cidr from file "networks.txt" { }
score risk { clamp 0..100  signal stranger +80 when conn.ip in strangers }
policy known   extends tls.intermediate { tls { groups = [ X25519MLKEM768, x25519 ] } }
policy strange extends tls.modern {
  tls { ciphers = [ TLS_AES_256_GCM_SHA384 ]  groups = [ secp384r1 ]  alpn = [ "http/1.1" ]  tickets off }
  rank 50
}
site main { listen edge  sni any  score risk  ladder { from 0 use known  from 50 use strange }  on_error use strange }
`;

test('two clients of different risk get different suites and groups under one name, in the same second', {
  skip,
}, async (t) => {
  const { port } = await startTestEdge(t, { policy: RISKS, networks: '127.0.0.2/32\n' });
  const capture = await startCapture(t, port);
  const visit = (from: string): Promise<unknown> =>
    run('curl', [
      ...['--silent', '--insecure', '--interface', from, '--output', '/dev/null'],
      ...['--connect-to', `::127.0.0.1:${port}`, `https://${TEST_NAMES[0]!}/`],
    ]);
  await Promise.all([visit('127.0.0.1'), visit('127.0.0.2')]);
  const seen = await readWire(capture, port);
  const hellos = await capture.read('tls.handshake.type == 2', ['frame.time_epoch']);
  const times = hellos.map((packet) => Number(packet['frame.time_epoch']![0]));
  assert.ok(Math.max(...times) - Math.min(...times) < 1);
  const of = (group: string): Seen | undefined => seen.find((each) => each.group === group);
  assert.equal(seen.length, 2);
  assert.deepEqual([of(CLASSICAL)?.cipher, of(CLASSICAL)?.name], ['TLS_AES_128_GCM_SHA256', 'localhost']);
  assert.deepEqual([of('secp384r1')?.cipher, of('secp384r1')?.name], ['TLS_AES_256_GCM_SHA384', 'localhost']);
});
