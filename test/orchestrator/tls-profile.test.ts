import assert from 'node:assert/strict';
import { constants } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { connect, createSecureContext, type SecureVersion, TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { contextOptions } from '../../src/orchestrator/tls-profile.ts';
import type { Policy, TlsProfile } from '../../src/pdl/ir.ts';
import { CIPHER_CODES, CIPHERS, GROUP_CODES, GROUPS } from '../../src/pdl/registry/iana.ts';
import { makeCertificate } from '../support/certificate.ts';

const VERSIONS: Readonly<Record<number, SecureVersion>> = {
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};
const CODES = Object.keys(VERSIONS).map(Number);
const pair = await makeCertificate({ names: ['localhost'] });
const CERTIFICATE = {
  name: 'c',
  cert: pair.certificate,
  key: pair.key,
  names: ['localhost'],
  keyType: 'ec',
  fingerprint: '',
};
/** One of each version, so that every version that is allowed can be served. */
const SUITES = ['TLS_AES_128_GCM_SHA256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'].map(
  (name) => CIPHER_CODES.get(name)!,
);

/** Profiles beyond what the language lets a policy say: its own checks are not what the floor rests on. */
const profiles = fc
  .record({
    versions: fc.tuple(fc.constantFrom(...CODES), fc.constantFrom(...CODES)),
    ciphers: fc.subarray([...CIPHERS.keys()]),
    groups: fc.shuffledSubarray([...GROUPS.keys()]),
    prefer: fc.constantFrom('server' as const, 'client' as const),
    tickets: fc.boolean(),
    ocspStapling: fc.boolean(),
  })
  .map(
    ({ versions: [a, b], ciphers, groups, ...others }): TlsProfile => ({
      ...{ minVersion: Math.min(a, b), maxVersion: Math.max(a, b), sigalgs: [], alpn: [], certificate: null },
      ...{ ciphers: [...SUITES, ...ciphers], groups: [GROUP_CODES.get('x25519')!, ...groups], ...others },
    }),
  );

function policyWith(tls: TlsProfile): Policy {
  return {
    ...{ name: 'p', rank: 0, verdict: { action: 'accept' }, tls, challenge: null, limits: [] },
    handshake: { timeoutMs: 1, helloTimeoutMs: 1, idleMs: null, maxHelloBytes: 1, maxInflight: null },
    log: { mode: 'all', percent: 100 },
  };
}

/** What a client that would take any version ends with, or null. */
async function negotiate(options: ReturnType<typeof contextOptions>, newest: number): Promise<string | null> {
  const secureContext = createSecureContext(options);
  const server = createServer((socket) => {
    new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({
    ...{ port: (server.address() as AddressInfo).port, host: '127.0.0.1', rejectUnauthorized: false },
    ...{ minVersion: 'TLSv1', maxVersion: VERSIONS[newest], ciphers: 'DEFAULT:@SECLEVEL=0' },
  });
  const ended = Promise.withResolvers<string | null>();
  client.once('secureConnect', () => ended.resolve(client.getProtocol()));
  client.once('error', () => ended.resolve(null));
  const version = await ended.promise;
  client.destroy();
  server.close();
  return version;
}

test('no policy takes a context below the operator’s floor, and none has renegotiation', async () => {
  await fc.assert(
    fc.asyncProperty(
      profiles,
      fc.constantFrom(...CODES),
      fc.constantFrom(...CODES),
      async (tls, floor, newest) => {
        const options = contextOptions(policyWith(tls), [CERTIFICATE], floor, []);
        assert.ok((options.secureOptions! & constants.SSL_OP_NO_RENEGOTIATION) !== 0);
        const version = await negotiate(options, newest);
        const least = Math.max(tls.minVersion, floor);
        const most = Math.min(Math.max(tls.maxVersion, floor), newest);
        // why: OpenSSL serves nothing older than TLS 1.2 at its usual level of security.
        const expected = least <= most && most >= 0x0303 ? VERSIONS[most]! : null;
        assert.equal(version, expected);
      },
    ),
    { numRuns: 60 },
  );
});

test('suites and groups are those of the policy, in its order', () => {
  fc.assert(
    fc.property(profiles, (tls) => {
      const { ciphers, ecdhCurve } = contextOptions(policyWith(tls), [CERTIFICATE], 0x0303, []);
      const named = (table: ReadonlyMap<number, string>, codes: readonly number[]): string[] =>
        codes.map((code) => table.get(code)!);
      assert.deepEqual(ciphers!.split(':'), named(CIPHERS, tls.ciphers));
      assert.deepEqual(ecdhCurve!.split(/[:/]/), named(GROUPS, tls.groups));
    }),
  );
});
