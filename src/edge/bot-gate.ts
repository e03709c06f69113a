/** Whether a request comes from a crawler that its operator confirms, by its signature or by its address. */
import { readBotSignature, type SignedRequest } from '../intel/bot-signature.ts';
import type { KnownBots } from '../intel/known-bots.ts';
import type { Client } from '../orchestrator/client.ts';
import type { History } from '../orchestrator/history.ts';
import type { RequestHead } from '../profile/http.ts';

/**
 * Null: it does not say so, or that is not known yet. A signature by a known key that is not good is a denial, whatever
 * the address; ranges that were published say yes at once, and no where DNS cannot be asked.
 */
export function isVerifiedBot(
  request: RequestHead,
  userAgent: string | null,
  client: Client,
  history: History,
  bots: KnownBots,
): boolean | null {
  const now = Date.now();
  const signature = bots.keys.size === 0 ? null : readBotSignature(signedOf(request), bots.keys, now);
  if (signature !== null) return signature !== 'refused' && history.spendNonce(signature, now);
  const bot = bots.claimed(userAgent);
  if (bot === null) return null;
  const isInRanges = bots.isInRanges(bot, client.ip);
  if (isInRanges === true || bot.domains.length === 0) return isInRanges;
  return history.isConfirmedBot(bot, client, now);
}

function signedOf({ method, url, rawHeaders }: RequestHead): SignedRequest {
  let authority = '';
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name === ':authority' || (name === 'host' && authority === '')) authority = rawHeaders[i + 1]!;
  }
  return { method: method ?? 'GET', authority, target: url ?? '/', rawHeaders };
}
