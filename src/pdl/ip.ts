/** IP addresses and prefixes as text and as 16 bytes (IPv4 as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2). */

export interface Prefix {
  readonly bytes: Uint8Array;
  /** Significant bits of the 16 bytes, 0 to 128. */
  readonly bits: number;
  readonly isV4: boolean;
}

/** The 16 bytes of an address, or null when the text is none. */
export function parseIp(text: string): Uint8Array | null {
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

/** A prefix; a bare address is a prefix of full length. Null when the text is neither. */
export function parsePrefix(text: string): Prefix | null {
  const [address, length, ...rest] = text.split('/');
  const bytes = parseIp(address!);
  if (bytes === null || rest.length > 0) return null;
  const isV4 = !address!.includes(':');
  const width = isV4 ? 32 : 128;
  const own = length === undefined ? width : Number(length);
  if (!Number.isInteger(own) || own < 0 || own > width) return null;
  return { bytes, bits: own + 128 - width, isV4 };
}

/** True when the first `bits` of both are equal. */
export function inPrefix(ip: Uint8Array, prefix: Prefix): boolean {
  for (let bit = 0; bit < prefix.bits; bit += 8) {
    const left = prefix.bits - bit;
    const mask = left >= 8 ? 0xff : 0xff & (0xff << (8 - left));
    const index = bit >> 3;
    if (((ip[index]! ^ prefix.bytes[index]!) & mask) !== 0) return false;
  }
  return true;
}

function parseV4(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part))) return null;
  const octets = parts.map(Number);
  if (octets.some((octet) => octet > 255)) return null;
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...octets);
}

function parseV6(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1)!;
  const tail = last.at(-1);
  if (tail?.includes('.')) {
    const v4 = parseV4(tail);
    if (v4 === null) return null;
    const hex = (at: number): string => ((v4[at]! << 8) | v4[at + 1]!).toString(16);
    last.splice(-1, 1, hex(12), hex(14));
  }
  const [head, rest] = [groups[0]!, groups[1] ?? []];
  const missing = 8 - head.length - rest.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...new Array<string>(missing).fill('0'), ...rest];
  if (!all.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return null;
  return Uint8Array.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]),
  );
}
