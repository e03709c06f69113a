/** The field `X-Forwarded-Client-Cert`, in Envoy's format. */
import type { ClientCertificate } from './client-certificate.ts';

/** Most characters of the field; names that do not fit are left out, and the fingerprint always fits. */
const MAX_CHARACTERS = 8 * 1024;

/** What upstreams are told of a verified certificate; empty without one. */
export function forwardedCertificate({ attributes }: ClientCertificate): string {
  if (attributes === null) return '';
  const { fingerprint, subject, sanUri, sanDns } = attributes;
  const parts = [`Hash=${fingerprint}`, `Subject="${asciiName(subject)}"`];
  for (const uri of sanUri) parts.push(`URI=${plainUri(uri)}`);
  for (const name of sanDns) parts.push(`DNS=${name}`);
  let text = '';
  for (const part of parts) {
    if (text.length + part.length + 1 > MAX_CHARACTERS) break;
    text += text === '' ? part : `;${part}`;
  }
  return text;
}

/** A name between quotes: what is not ASCII, and quotes and backslashes of its own, as RFC 4514 section 2.4 allows. */
function asciiName(value: string): string {
  return value
    .replace(/\\(["\\])/g, (_, character: string) => (character === '"' ? '\\22' : '\\5C'))
    .replace(/[^\x20-\x7e]/gu, (character) =>
      [...Buffer.from(character)].map((byte) => `\\${byte.toString(16).toUpperCase()}`).join(''),
    );
}

/** The separators of the field, and what no URI has, in per cent. */
function plainUri(uri: string): string {
  return uri.replace(/[,;="\\]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
