/** What the configuration says about feeds; plain data, so that it can cross a thread. */

/** How one feed is read, where its policy and its content do not say it. */
export interface FeedOptions {
  /** One of `FORMATS`; beats the policy's `format`. */
  readonly format?: string;
  /** CSV: a column's name in the header, or its number from 1. */
  readonly column?: string | number;
  /** JSON: keys joined by dots, `*` for every element, as `prefixes.*.ipv4Prefix`. */
  readonly path?: string;
  /** What holds the scores of a feed `to score`. CSV: a column, as `column`. JSON: a key beside the member. */
  readonly score?: string | number;
  /** Request header that carries the secret as it is, as `Auth-Key`. */
  readonly header?: string;
}

export interface FeedSettings {
  /** Absolute path of the folder that holds the last good copies. */
  readonly directory: string;
  /** Prefixes of the operator: a fetched list that holds a part of one is refused as a whole. */
  readonly own: readonly string[];
  /** Prefixes that no fetched list may hold: its members that overlap one are left out. */
  readonly neverBlock: readonly string[];
  /** Share of the clients served in the last hour that a fetched list may newly cover, 0 to 1. */
  readonly maxGoodShare: number;
  /** Absolute path of PEM certificates that servers of feeds are checked against; null: the system's. */
  readonly ca: string | null;
  /** Resolvers that DNS lists are asked through, `IP` or `IP:port`; none: the system's. */
  readonly resolvers: readonly string[];
  /** Longest time for one request, in milliseconds. */
  readonly timeout: number;
  /** By a feed's full name. */
  readonly options: Readonly<Record<string, FeedOptions>>;
}

const NO_OPTIONS: FeedOptions = {};

export function optionsOf(settings: FeedSettings | null, feed: string): FeedOptions {
  return settings !== null && Object.hasOwn(settings.options, feed) ? settings.options[feed]! : NO_OPTIONS;
}
