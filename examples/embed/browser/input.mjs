/** What people paste, as bytes. Each function throws an Error that says what is wrong with the text. */
import * as SP from '../../../include/sallyport_core.mjs';

/** Hex digits, also with spaces, line breaks, colons, commas and `0x` between them. */
export function bytesOfHex(what, text) {
  const digits = text.replace(/0x|[\s:,]/gi, '');
  const bad = digits.search(/[^0-9a-f]/i);
  if (bad !== -1) throw new Error(`${what}: “${digits[bad]}” is not a hex digit`);
  if (digits.length % 2 === 1) throw new Error(`${what}: an odd number of hex digits`);
  if (digits.length > 2 * SP.MAX_INPUT_BYTES)
    throw new Error(`${what}: more than ${SP.MAX_INPUT_BYTES} bytes`);
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) =>
    Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** A bare message begins with its type, 1 (RFC 8446 section 4); records with theirs, 22. */
export function formOf(hello) {
  return hello[0] === 1 ? SP.FORM_HANDSHAKE : SP.FORM_RECORDS;
}

/** 4 or 16 bytes of an address. */
export function bytesOfAddress(text) {
  const trimmed = text.trim();
  // The URL parser reads addresses as every browser must, and normalises them.
  const host = URL.parse(trimmed.includes(':') ? `http://[${trimmed}]` : `http://${trimmed}`)?.hostname ?? '';
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return Uint8Array.from(host.split('.'), Number);
  if (!host.startsWith('[')) throw new Error('Address: neither IPv4 nor IPv6');
  const [head, tail] = host.slice(1, -1).split('::');
  const groups = (part) => (part ? part.split(':') : []);
  const zeros = Array(8 - groups(head).length - groups(tail).length).fill('0');
  const all = [...groups(head), ...(tail === undefined ? [] : zeros), ...groups(tail)];
  return Uint8Array.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}

/** The text of 4 or 16 bytes. */
export function addressOfBytes(bytes) {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] << 8) | bytes[2 * i + 1]).toString(16));
  return URL.parse(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

export function hexOfBytes(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
