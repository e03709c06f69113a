/** Tries what this Node and its OpenSSL can serve. */
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { CIPHERS, GROUPS, SIGALGS } from '../pdl/registry/iana.ts';
import type { Target } from '../pdl/registry/target.ts';

function served(
  names: ReadonlyMap<number, string>,
  options: (name: string) => SecureContextOptions,
): Set<number> {
  const codes = [...names].flatMap(([code, name]) => {
    try {
      createSecureContext(options(name));
      return [code];
    } catch {
      return [];
    }
  });
  return new Set(codes);
}

let probed: Target | null = null;

/** The target of this process; tried once, in some tens of milliseconds. */
export function hostTarget(): Target {
  probed ??= {
    name: `Node ${process.versions.node} with OpenSSL ${process.versions.openssl}`,
    ciphers: served(CIPHERS, (ciphers) => ({ ciphers })),
    groups: served(GROUPS, (ecdhCurve) => ({ ecdhCurve })),
    sigalgs: served(SIGALGS, (sigalgs) => ({ sigalgs })),
  };
  return probed;
}
