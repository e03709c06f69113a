/** The formats of feeds: which one a content has, and what its members are. */
import type { Feed } from '../pdl/ir.ts';
import { type FeedContent, FeedFormatError } from './content.ts';
import { readCrowdSec, readJson, readMisp, readSpamhaus, readStix } from './json.ts';
import { feedKeys, type KEY_DIRECTORY } from './key-directory.ts';
import { readCsv, readLines, readTor } from './lines.ts';
import { memberOf } from './member.ts';
import type { FeedOptions } from './settings.ts';

/** The names of `format`, which the language knows as `FEED_FORMATS`, and that of the directories of crawlers. */
type Format =
  | 'lines'
  | 'csv'
  | 'json'
  | 'spamhaus'
  | 'tor'
  | 'misp'
  | 'stix'
  | 'taxii'
  | 'crowdsec'
  | typeof KEY_DIRECTORY;

/** What a content's members depend on besides its text. */
export interface ReadContext {
  readonly options: FeedOptions;
  /** When the content was fetched, in milliseconds since the epoch. */
  readonly fetchedMs: number;
}

/** Names the format of a text by what it holds; a list of lines when nothing else is seen. */
export function detectFormat(text: string, type: Feed['type']): Format {
  const start = text.slice(0, 4_096).trimStart();
  if (/^(?:@type tordnsel|ExitNode )/.test(start)) return 'tor';
  if (/^[{[]/.test(start)) return detectJson(start);
  const rows = start.split('\n').map((line) => line.replace(/#.*/s, '').trim());
  const row = rows.find((line) => line !== '');
  // why: a text that may hold commas is itself a member, so a whole row is one.
  return row?.includes(',') && memberOf(type, row) === null ? 'csv' : 'lines';
}

function detectJson(start: string): Format {
  const first = start.split('\n', 1)[0]!;
  if (/^\{"(?:cidr|asn)":.*\}\s*$/.test(first)) return 'spamhaus';
  // Its first key: attributes of MISP may be `deleted` too.
  if (/^\{\s*"(?:new|deleted)"\s*:/.test(start)) return 'crowdsec';
  if (/"objects"\s*:|"type"\s*:\s*"bundle"/.test(start)) return 'stix';
  if (/"Event"\s*:|"list"\s*:|"matching_attributes"\s*:/.test(start)) return 'misp';
  return 'json';
}

/**
 * Members of a feed's content. A file without a format is a list of lines, as it has always been.
 * @throws FeedFormatError when the content is not of its format.
 */
export function readFeedText(feed: Feed, text: string, { options, fetchedMs }: ReadContext): FeedContent {
  const { type } = feed;
  const byDefault = (): string => {
    if (feed.source === 'crowdsec') return 'crowdsec';
    if (options.column !== undefined) return 'csv';
    if (options.path !== undefined) return 'json';
    return feed.source === 'file' ? 'lines' : detectFormat(text, type);
  };
  const format = options.format ?? feed.format ?? byDefault();
  switch (format as Format) {
    case 'lines':
      return readLines(text, feed);
    case 'csv':
      return readCsv(text, feed, options);
    case 'json':
      return readJson(text, feed, options);
    case 'spamhaus':
      return readSpamhaus(text, feed);
    case 'tor':
      return readTor(text, feed);
    case 'misp':
      return readMisp(text, feed);
    case 'stix':
    case 'taxii':
      return readStix(text, feed, fetchedMs);
    case 'crowdsec':
      return readCrowdSec(text, feed, fetchedMs);
    case 'key-directory':
      return { members: feedKeys('', text).map(({ keyId }) => keyId), lines: [], bad: [] };
    default:
      throw new FeedFormatError(`there is no format called ${format}`);
  }
}
