/** What a policy says that a scanner must see. */
import assert from 'node:assert/strict';
import type { Policy } from '../../src/pdl/ir.ts';
import { CIPHER_NAMES, GROUP_CODES, isTls13Cipher, SIGALG_NAMES } from '../../src/pdl/registry/iana.ts';
import { ascending, type View } from './scanners.ts';

export type Scanner = 'sslscan' | 'testssl.sh';

const TLS12 = 0x0303;
const TLS13 = 0x0304;
/** The curve of the ECDSA certificate. */
const P256 = GROUP_CODES.get('secp256r1')!;
/** Groups that scanners of these years try: none is hybrid. */
const CLASSICAL = ['secp256r1', 'secp384r1', 'secp521r1', 'x25519', 'x448'].map(
  (name) => GROUP_CODES.get(name)!,
);

/** The kinds of certificate that a policy's signatures and its choice of a certificate leave. */
function kindsOf({ tls: { sigalgs, certificate } }: Policy): ReadonlySet<string> {
  const served = certificate === null ? ['ECDSA', 'RSA'] : [certificate.toUpperCase()];
  const names = sigalgs.map((code) => SIGALG_NAMES.get(code)!.toUpperCase());
  return new Set(served.filter((kind) => names.length === 0 || names.some((name) => name.startsWith(kind))));
}

/**
 * sslscan brings every handshake to its end, without a certificate, and offers one group at a time; testssl.sh is content
 * with a ServerHello, and offers what is left of its groups together.
 */
export function expectedView(policy: Policy, scanner: Scanner): View {
  const { minVersion, maxVersion, ciphers, groups, prefer, alpn } = policy.tls;
  const versions = [...(minVersion <= TLS12 ? ['1.2'] : []), ...(maxVersion >= TLS13 ? ['1.3'] : [])];
  const kinds = kindsOf(policy);
  const for12 = ciphers.filter((code) => kinds.has(/_(ECDSA|RSA)_/.exec(CIPHER_NAMES.get(code)!)?.[1] ?? ''));
  const suites: Record<string, readonly number[]> = {
    '1.2': scanner === 'sslscan' && policy.clientCert?.mode === 'require' ? [] : for12,
    '1.3': ciphers.filter(isTls13Cipher),
  };
  // why: in TLS 1.2 the client's groups are what it takes of ECDSA certificates too (RFC 8422 section 5.1).
  const isEcdsaAlone =
    maxVersion === TLS12 && !for12.some((code) => CIPHER_NAMES.get(code)!.includes('_RSA_'));
  const tried = isEcdsaAlone ? [P256] : CLASSICAL;
  return {
    versions,
    suites: Object.fromEntries(versions.map((version) => [version, suites[version]!])),
    groups:
      isEcdsaAlone && scanner === 'testssl.sh'
        ? null
        : ascending(groups.filter((code) => tried.includes(code))),
    serverOrder: prefer === 'server',
    alpn: alpn.length > 0 ? alpn : ['h2', 'http/1.1'],
  };
}

/** Does a policy turn hellos away for what they are made of, which differs from scanner to scanner? */
export function isChoosy({ extensions }: Policy): boolean {
  const { require = null, forbid = null, only = null, maxCount = null } = extensions ?? {};
  return [require, forbid, only, maxCount].some((rule) => rule !== null);
}

/** @throws AssertionError when what a scanner tells is not what the policy says. */
export function assertSees(view: View, policy: Policy, scanner: Scanner, entry: string): void {
  const expected = expectedView(policy, scanner);
  const told = (key: keyof View): boolean => view[key] !== null && expected[key] !== null;
  const keys = (['versions', 'suites', 'groups', 'serverOrder', 'alpn'] as const).filter(told);
  const shown = (each: View): unknown => ({
    ...Object.fromEntries(keys.map((key) => [key, each[key]])),
    suites: expected.serverOrder ? each.suites : withoutOrder(each.suites),
  });
  assert.deepEqual(shown(view), shown(expected), `${scanner} on ${entry}`);
}

function withoutOrder(suites: View['suites']): View['suites'] {
  return Object.fromEntries(Object.entries(suites).map(([version, codes]) => [version, ascending(codes)]));
}
