/** The formats of feeds: which one a content has, and what its members are. */
import type { Feed } from '../pdl/ir.ts';
import { type FeedContent, FeedFormatError } from './content.ts';
import { readCrowdSec, readJson, readMisp, readSpamhaus, readStix } from './json.ts';
import { feedKeys, type KEY_DIRECTORY } from './key-directory.ts';
import { readCsv, readLines, readTor } from './lines.ts';
import { memberOf } from './member.ts';
import type { FeedOptions } from './settings.ts';
import { checkText, textOf } from './text.ts';

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

/** What a format is told by. */
const PROBED_BYTES = 4_096;

/** Names the format of a text by what it holds; a list of lines when nothing else is seen. */
export function detectFormat(bytes: Uint8Array, type: Feed['type']): Format {
  const start = textOf(bytes.subarray(0, PROBED_BYTES)).trimStart();
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
 * @throws FeedFormatError when the content is no text, or not of its format.
 */
export function readFeed(feed: Feed, bytes: Uint8Array, { options, fetchedMs }: ReadContext): FeedContent {
  checkText(bytes);
  const byDefault = (): string => {
    if (feed.source === 'crowdsec') return 'crowdsec';
    if (options.column !== undefined) return 'csv';
    if (options.path !== undefined) return 'json';
    return feed.source === 'file' ? 'lines' : detectFormat(bytes, feed.type);
  };
  const format = options.format ?? feed.format ?? byDefault();
  if (format === 'lines') return readLines(bytes, feed);
  const text = textOf(bytes);
  switch (format as Format) {
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
