/** Addresses between their text and the 16 bytes that the decision core reads. */
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** 16 bytes; an IPv4 address as ::ffff:a.b.c.d. Null for text that is no address. */
export function parseIp(text: string): { readonly ip: Uint8Array; readonly isV4: boolean } | null {
  // why: the library also reads forms of old, such as `1.2.3` and `0x7f.1`, which are no address to anyone else.
  if (isIP(text) === 0) return null;
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv4) {
    return { ip: Uint8Array.from(address.toIPv4MappedAddress().toByteArray()), isV4: true };
  }
  return { ip: Uint8Array.from(address.toByteArray()), isV4: false };
}

/** The canonical text (RFC 5952) of 16 bytes. */
export function formatIp(ip: Uint8Array, isV4: boolean): string {
  if (isV4) return `${ip[12]}.${ip[13]}.${ip[14]}.${ip[15]}`;
  return ipaddr.fromByteArray([...ip]).toString();
}
