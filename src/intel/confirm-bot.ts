/**
 * Forward-confirmed reverse DNS: the address has a name in a domain of the crawler's operator, and that name has the
 * address. Whoever holds an address chooses its name, so the first half alone says nothing.
 */
import { parseIp } from '../pdl/ip.ts';
import { type Bot, isNameOf } from '../profile/bots.ts';
import type { DnsClient } from './dns-client.ts';
import { questionFor } from './dns-list.ts';

/** Crawlers that were looked up, by what came of it. */
export interface BotCounts {
  readonly confirmed: number;
  readonly denied: number;
  /** DNS did not answer, or there was no room to ask. */
  readonly failed: number;
}

/** Names of an address that are looked at. */
const MAX_NAMES = 8;

/** @param wanted 16 bytes. @throws the resolver's error, or NotAskedError: nothing is known then. */
export async function confirmBot(
  client: DnsClient,
  bot: Bot,
  wanted: Uint8Array,
  isV4: boolean,
): Promise<boolean> {
  const names = (await client.names(questionFor(wanted, isV4, isV4 ? 'in-addr.arpa' : 'ip6.arpa'))) ?? [];
  for (const name of names.slice(0, MAX_NAMES)) {
    if (!isNameOf(bot, name)) continue;
    const found = await client.addresses(name, isV4 ? 4 : 6);
    const isConfirmed = found?.addresses.some((each) => {
      const ip = parseIp(each);
      return ip !== null && Buffer.compare(ip, wanted) === 0;
    });
    if (isConfirmed) return true;
  }
  return false;
}
