/** Distinguished names as text (RFC 4514): the most specific part first, and parts of several values as OpenSSL has them. */
import type { JsonName } from '@peculiar/x509';

/** Names of attribute types as OpenSSL writes them with `-nameopt RFC2253`, by what @peculiar/x509 calls them. */
const NAMES: Readonly<Record<string, string>> = {
  E: 'emailAddress',
  I: 'initials',
  T: 'title',
  G: 'GN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.9': 'street',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
};

/** @param name Parts in the order of the certificate. */
export function nameText(name: JsonName): string {
  return [...name]
    .reverse()
    .map((part) =>
      Object.entries(part)
        .reverse()
        .flatMap(([type, values]) => values.map((value) => `${NAMES[type] ?? type}=${escaped(value)}`))
        .join('+'),
    )
    .join(',');
}

/** RFC 4514 section 2.4; control characters too, as it allows. */
function escaped(value: string): string {
  return value
    .replace(/[\\,+"<>;]/g, '\\$&')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
    .replace(
      /\p{Cc}/gu,
      (character) => `\\${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
}
