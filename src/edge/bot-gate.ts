/** Whether a request comes from a crawler that its operator confirms, by its signature or by its address. */
import { readBotSignature, type SignedRequest, type TrustedKey } from '../intel/bot-signature.ts';
import type { Client } from '../orchestrator/client.ts';
import type { History } from '../orchestrator/history.ts';
import type { RequestHead } from '../profile/http.ts';

/** Null: it does not say so, or that is not known yet. A signature that is there and not good is a denial, whatever DNS says. */
export function isVerifiedBot(
  request: RequestHead,
  userAgent: string | null,
  client: Client,
  history: History,
  keys: ReadonlyMap<string, TrustedKey>,
): boolean | null {
  const now = Date.now();
  const signature = keys.size === 0 ? null : readBotSignature(signedOf(request), keys, now);
  if (signature === null) return history.isConfirmedBot(userAgent, client, now);
  return signature !== 'refused' && history.spendNonce(signature, now);
}

function signedOf({ method, url, rawHeaders }: RequestHead): SignedRequest {
  let authority = '';
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name === ':authority' || (name === 'host' && authority === '')) authority = rawHeaders[i + 1]!;
  }
  return { method: method ?? 'GET', authority, target: url ?? '/', rawHeaders };
}
