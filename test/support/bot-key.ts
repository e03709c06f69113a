/** Keys that crawlers of tests sign with, and signatures as Cloudflare's own package makes them. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { directoryResponseHeaders } from 'web-bot-auth';
import { signerFromJWK } from 'web-bot-auth/crypto';

export interface BotTestKey {
  readonly jwk: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly d: string };
  /** As a directory lists it. */
  readonly listed: { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly kid: string };
  readonly keyId: string;
}

export function makeBotKey(): BotTestKey {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const keyId = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  const kind = { kty: 'OKP', crv: 'Ed25519' } as const;
  return { jwk: { ...kind, x: x!, d: d! }, listed: { ...kind, x: x!, kid: keyId }, keyId };
}

export function directoryOf(...keys: readonly BotTestKey[]): string {
  return JSON.stringify({ keys: keys.map(({ listed }) => listed) });
}

/** The fields of a directory's answer that its keys sign, for the host it is asked of. */
export async function signDirectory(
  url: string,
  keys: readonly BotTestKey[],
  times: { readonly created?: number; readonly expires?: number } = {},
): Promise<Record<string, string>> {
  const { created = Date.now(), expires = Date.now() + 60_000 } = times;
  const signers = await Promise.all(keys.map(({ jwk }) => signerFromJWK(jwk)));
  const message = { response: new Response(''), request: new Request(url) };
  const made = await directoryResponseHeaders(message, signers, {
    created: new Date(created),
    expires: new Date(expires),
  });
  return { signature: made.Signature, 'signature-input': made['Signature-Input'] };
}
