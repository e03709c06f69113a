/** What a policy's TLS profile is to OpenSSL. */
import { constants } from 'node:crypto';
import type { SecureContextOptions, SecureVersion } from 'node:tls';
import type { Policy, TlsProfile } from '../pdl/ir.ts';
import { CIPHERS, GROUP_NAMES, GROUPS, SIGALGS } from '../pdl/registry/iana.ts';
import type { Certificate } from './certificate-choice.ts';

const VERSIONS: Readonly<Record<number, SecureVersion>> = {
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

function opensslNames(table: ReadonlyMap<number, string>, codes: readonly number[]): string {
  return codes.flatMap((code) => table.get(code) ?? []).join(':');
}

/**
 * The groups in order. A server that prefers its own order and lists hybrid groups first asks for one of them, with a
 * HelloRetryRequest, even of a client that lists one and shared a key of another group alone: `/` says so.
 */
function groupList({ groups, prefer }: TlsProfile): string {
  const classical = groups.findIndex((code) => !GROUP_NAMES.get(code)?.includes('MLKEM'));
  if (prefer === 'client' || classical <= 0) return opensslNames(GROUPS, groups);
  return [groups.slice(0, classical), groups.slice(classical)]
    .map((part) => opensslNames(GROUPS, part))
    .join('/');
}

/**
 * The options of the context that serves a policy with certificates of different key types.
 * @param floor The lowest version that any policy may offer, as on the wire.
 */
export function contextOptions(
  policy: Policy,
  certificates: readonly Certificate[],
  floor: number,
): SecureContextOptions {
  const { tls } = policy;
  const sigalgs = opensslNames(SIGALGS, tls.sigalgs);
  // why: renegotiation is off and early data is never accepted, whatever a policy says (a floor).
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION | (tls.tickets ? 0 : constants.SSL_OP_NO_TICKET);
  return {
    cert: certificates.map(({ cert }) => cert),
    key: certificates.map(({ key }) => key),
    minVersion: VERSIONS[Math.max(tls.minVersion, floor)]!,
    maxVersion: VERSIONS[Math.max(tls.maxVersion, floor)]!,
    ciphers: opensslNames(CIPHERS, tls.ciphers),
    ecdhCurve: groupList(tls),
    ...(sigalgs === '' ? {} : { sigalgs }),
    honorCipherOrder: tls.prefer === 'server',
    secureOptions,
    sessionIdContext: policy.name.slice(0, 32),
  };
}
