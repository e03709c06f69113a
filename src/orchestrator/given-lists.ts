/** What DNS lists say, where it is given and nobody asks: in tests of policies and explanations. */
import type { Core } from '../core/core.ts';
import { listedRates } from '../core/listed.ts';
import { inPrefix, parseIp, parsePrefix } from '../pdl/ip.ts';
import type { Program } from '../pdl/ir.ts';
import type { TextList } from '../pdl/text-list.ts';

/**
 * Tells the core which DNS lists have `address`; one without members in `feeds` stays unknown.
 * @param address The text of `conn.ip`.
 */
export function setGivenLists(
  core: Core,
  program: Program,
  feeds: ReadonlyMap<number, TextList>,
  address: unknown,
): void {
  const ip = typeof address === 'string' ? parseIp(address) : null;
  if (ip === null) return;
  for (const [feed, rate] of listedRates(program)) {
    const members = feeds.get(feed);
    if (members === undefined) continue;
    const isListed = Array.from(members).some((member) => {
      const prefix = parsePrefix(member);
      return prefix !== null && inPrefix(ip, prefix);
    });
    core.setRate(rate, isListed ? 1 : 0);
  }
}
