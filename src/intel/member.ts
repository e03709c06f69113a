/** What a member of a feed looks like, by the feed's type. */
import { parsePrefix } from '../pdl/ip.ts';
import type { Feed } from '../pdl/ir.ts';

export type FeedType = Feed['type'];

const MAX_ASN = 0xffff_ffff;
const MAX_TEXT = 1_024;
const HOST = /^(\*\.)?([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/;
const JA3 = /^[0-9a-f]{32}$/;
const JA4 = /^[tqd][0-9s][0-9][di][0-9]{4}[0-9a-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/;

/** The member as the tables hold it, or null when the text is none of this type. */
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
