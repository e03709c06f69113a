/** Keys that crawlers sign with: JSON Web Keys as their operators publish them. */
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { TrustedKey } from './bot-signature.ts';

/** A key as it passes between threads. */
export interface BotKey {
  /** Origin of the crawler, as `https://bot.example`. */
  readonly agent: string;
  /** Its thumbprint (RFC 7638), which signatures name it by. */
  readonly keyId: string;
  /** The public key, base64url. */
  readonly x: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

const MAX_KEYS = 64;
const X = /^[A-Za-z0-9_-]{43}$/;
/** Times of keys are seconds or milliseconds since the epoch: no key is of the year 5138. */
const MILLISECONDS_FROM = 1e11;
/** Of the key in RFC 9421 appendix B.1.4, whose private half everybody knows. */
const EXAMPLE_KEY = 'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U';

/** RFC 8037 appendix A.3: the members in the order of their names, without blanks. */
export function thumbprint(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}

/**
 * Keys of other kinds than Ed25519, and of other uses than signatures, are passed over.
 * @throws Error for what is no set of keys, with the reason.
 */
export function readKeys(agent: string, text: string): BotKey[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  const list = (set as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) throw new Error('it has no list `keys`');
  if (list.length > MAX_KEYS) throw new Error(`it has ${list.length} keys; at most ${MAX_KEYS} are read`);
  const keys = list.flatMap((each: Record<string, unknown> | null): BotKey[] => {
    const { kty, crv, x, use, nbf, exp } = each ?? {};
    if (kty !== 'OKP' || crv !== 'Ed25519' || (use ?? 'sig') !== 'sig') return [];
    if (typeof x !== 'string' || !X.test(x)) throw new Error('a key of Ed25519 has no `x` of 32 bytes');
    const keyId = thumbprint(x);
    if (keyId === EXAMPLE_KEY)
      throw new Error('it has the example key of RFC 9421, which everybody can sign with');
    return [{ agent, keyId, x, notBefore: timeOf(nbf, 0), notAfter: timeOf(exp, Number.MAX_SAFE_INTEGER) }];
  });
  if (keys.length === 0) throw new Error('it has no key of Ed25519');
  return keys;
}

function timeOf(value: unknown, otherwise: number): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return otherwise;
  return value < MILLISECONDS_FROM ? value * 1_000 : value;
}

/** By thumbprint; several crawlers may publish one key. */
export function trustKeys(keys: readonly BotKey[]): ReadonlyMap<string, readonly TrustedKey[]> {
  const trusted = new Map<string, TrustedKey[]>();
  for (const { agent, keyId, x, notBefore, notAfter } of keys) {
    const same = trusted.get(keyId) ?? [];
    same.push({ agent, key: publicKey(x), notBefore, notAfter });
    trusted.set(keyId, same);
  }
  return trusted;
}

export function publicKey(x: string): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
