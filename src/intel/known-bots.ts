/** What one thread knows of crawlers: their keys and their ranges. */
import { type Bot, claimedBot } from '../profile/bots.ts';
import { type BotKey, trustKeys } from './bot-keys.ts';
import type { TrustedKey } from './bot-signature.ts';
import { isInRanges } from './ranges.ts';

/** The same as it passes between threads. */
export interface BotKnowledge {
  readonly keys: readonly BotKey[];
  /** As `rangesOf` makes them; a crawler whose ranges are not known has none here. */
  readonly ranges: readonly { readonly bot: string; readonly ranges: Uint8Array }[];
  /** Crawlers that a User-Agent may name. */
  readonly bots: readonly Bot[];
}

export const NOTHING_KNOWN: BotKnowledge = { keys: [], ranges: [], bots: [] };

export class KnownBots {
  /** By thumbprint. */
  readonly keys: ReadonlyMap<string, readonly TrustedKey[]>;
  readonly #bots: readonly Bot[];
  readonly #ranges: ReadonlyMap<string, Uint8Array>;

  constructor({ keys, ranges, bots }: BotKnowledge) {
    this.keys = trustKeys(keys);
    this.#bots = bots;
    this.#ranges = new Map(ranges.map((each) => [each.bot, each.ranges]));
  }

  /** The crawler that a User-Agent says it is; null: none that is known. */
  claimed(userAgent: string | null): Bot | null {
    return userAgent === null ? null : claimedBot(userAgent, this.#bots);
  }

  /** Is an address of 16 bytes in the ranges of a crawler? Null: its ranges are not known. */
  isInRanges({ name }: Bot, ip: Uint8Array): boolean | null {
    const ranges = this.#ranges.get(name);
    return ranges === undefined ? null : isInRanges(ranges, ip);
  }
}
