/** What a member of a feed looks like, by the feed's type. */
import { parsePrefix } from '../pdl/ip.ts';
import type { Feed } from '../pdl/ir.ts';

export type FeedType = Feed['type'];

/** What a feed is a list of: values of a type, each with a score or without. */
export type Contents = Pick<Feed, 'type' | 'toScore'>;

/** The score of a member that comes without one, and the highest there is. */
const MAX_SCORE = 100;

const MAX_ASN = 0xffff_ffff;
const MAX_TEXT = 1_024;
const HOST = /^(\*\.)?([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;
const JA3 = /^[0-9a-f]{32}$/;
const JA4 = /^[tqd][0-9s][0-9][di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/;

/**
 * A member as the tables hold it; of a feed `to score` with its score behind a blank, an integer from 0 to 100 (a larger
 * one counts as 100). Null when the text is none of the type, or the score none.
 */
export function entryOf({ type, toScore }: Contents, text: string, score?: string | number): string | null {
  const value = memberOf(type, text);
  if (value === null || toScore === undefined) return value;
  const points = score === undefined ? MAX_SCORE : score === '' ? Number.NaN : Number(score);
  return points >= 0 ? `${value} ${Math.round(Math.min(points, MAX_SCORE))}` : null;
}

/** The value of an entry, without its score. */
export function withoutScore({ toScore }: Contents, entry: string): string {
  return toScore === undefined ? entry : entry.slice(0, entry.lastIndexOf(' '));
}

/** The value as the tables hold it, or null when the text is none of this type. */
export function memberOf(type: FeedType, text: string): string | null {
  switch (type) {
    case 'cidr':
    case 'ip':
      return parsePrefix(text) === null ? null : text;
    case 'asn': {
      const digits = /^(?:AS)?(\d{1,10})$/i.exec(text)?.[1];
      return digits !== undefined && Number(digits) > 0 && Number(digits) <= MAX_ASN
        ? String(Number(digits))
        : null;
    }
    case 'country':
      return /^[A-Za-z]{2}$/.test(text) ? text.toUpperCase() : null;
    case 'host': {
      const name = text.toLowerCase().replace(/\.$/, '');
      return HOST.test(name) && name.length <= 255 ? name : null;
    }
    case 'ja3':
    case 'ja4': {
      const hash = text.toLowerCase();
      return (type === 'ja3' ? JA3 : JA4).test(hash) ? hash : null;
    }
    default:
      return text.length > 0 && text.length <= MAX_TEXT ? text : null;
  }
}
