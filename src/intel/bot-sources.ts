/** What an operator says about crawlers, and what of it is fetched: kept fresh as feeds are. */
import type { Feed } from '../pdl/ir.ts';
import { BOTS, type Bot } from '../profile/bots.ts';
import { directoryUrl, KEY_DIRECTORY } from './key-directory.ts';
import type { RemoteFeed } from './refresh.ts';
import type { FeedOptions } from './settings.ts';

/** Where the keys of one crawler are. */
export interface BotKeySource {
  /** Its origin, as `https://bot.example`. */
  readonly agent: string;
  /** Absolute path of a JSON Web Key Set; null: it is fetched from the crawler's directory. */
  readonly file: string | null;
}

/** Where the ranges of one crawler are. */
export interface BotRangeSource {
  readonly bot: string;
  /** What its User-Agent holds, lower case. */
  readonly token: string;
  /** Absolute path of a list, or the address of one. */
  readonly from: { readonly file: string } | { readonly url: string };
  readonly options: FeedOptions;
}

export interface BotSettings {
  readonly keys: readonly BotKeySource[];
  readonly ranges: readonly BotRangeSource[];
  /** How often what is fetched is asked for again, in milliseconds. */
  readonly refresh: number;
  /** How long it is used without an answer, in milliseconds. */
  readonly maxAge: number;
}

/** Most prefixes that the ranges of a crawler may have. */
const MAX_RANGES = 100_000;
/** The form in which the operators of the table publish ranges. */
export const PUBLISHED: FeedOptions = { format: 'json', path: 'prefixes.*.*' };

/** All crawlers that a User-Agent may say it is: those that are named in the configuration first. */
export function knownBots({ ranges }: Pick<BotSettings, 'ranges'>): readonly Bot[] {
  const others = ranges.filter(({ bot }) => BOTS.every(({ name }) => name !== bot));
  const own = others.map(({ bot: name, token }) => ({ name, token, domains: [], ranges: null, source: '' }));
  return [...own, ...BOTS];
}

/** The directory of a crawler's keys, as a feed of their thumbprints. */
export function directoryFeed({ agent }: BotKeySource, settings: BotSettings, file: string): Feed {
  return botFeed(agent, 'fingerprint', directoryUrl(agent), settings, file, KEY_DIRECTORY);
}

/** The ranges of a crawler, as a feed of prefixes. */
export function rangeFeed({ bot, from }: BotRangeSource, settings: BotSettings, file: string): Feed {
  return botFeed(`bot:${bot}`, 'cidr', 'url' in from ? from.url : from.file, settings, file);
}

// Names are such that no feed of a policy can have them.
function botFeed(
  name: string,
  type: Feed['type'],
  path: string,
  { refresh, maxAge }: BotSettings,
  declaredIn: string,
  format?: string,
): Feed {
  return {
    name,
    type,
    source: 'url',
    path,
    declaredIn,
    ...(format === undefined ? {} : { format }),
    refreshMs: refresh,
    maxAgeMs: maxAge,
    onStale: 'empty',
    maxEntries: MAX_RANGES,
  };
}

/** What is fetched. @param file The configuration, which declares it. */
export function remoteBots(settings: BotSettings, file: string): readonly RemoteFeed[] {
  const directories = settings.keys.filter((source) => source.file === null);
  const lists = settings.ranges.filter(({ from }) => 'url' in from);
  return [
    ...directories.map((source) => ({
      feed: directoryFeed(source, settings, file),
      secret: null,
      harms: false,
      anySize: true as const,
    })),
    ...lists.map((source) => ({
      feed: rangeFeed(source, settings, file),
      secret: null,
      harms: false,
      options: source.options,
    })),
  ];
}
