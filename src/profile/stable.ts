/**
 * What of a ClientHello depends on the program that sent it, and not on the single connection: JA4 without what
 * comes and goes with the destination, the length of its name, a resumption or a HelloRetryRequest.
 */
import { createHash } from 'node:crypto';

/**
 * Extensions by their code in JA4's form. server_name and ALPN are outside JA4's last part already.
 * Padding fills up hellos of an unfortunate length (RFC 7685); pre_shared_key and early_data resume a session, cookie
 * answers a HelloRetryRequest (RFC 8446 section 4.2); ALPS goes with the protocols that ALPN offers
 * (draft-vvv-tls-alps): a browser leaves it out for a WebSocket.
 */
const PASSING: ReadonlySet<string> = new Set(['0015', '0029', '002a', '002c', '4469', '44cd']);
const NOTHING = '000000000000';

/**
 * The last part of a JA4 over the extensions that stay, from the raw form JA4_r
 * (`t13d1516h2_002f,0035_0005,000a_0403,0804`; the signature algorithms may be missing).
 */
export function stablePart(ja4r: string): string {
  const [, , extensions = '', algorithms] = ja4r.split('_');
  const kept = extensions.split(',').filter((code) => code !== '' && !PASSING.has(code));
  if (kept.length === 0) return NOTHING;
  const signed = algorithms === undefined || algorithms === '' ? '' : `_${algorithms}`;
  return createHash('sha256')
    .update(`${kept.join(',')}${signed}`)
    .digest('hex')
    .slice(0, NOTHING.length);
}
