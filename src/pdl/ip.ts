/** IP addresses and prefixes as text and as 16 bytes (IPv4 as ::ffff:a.b.c.d, RFC 4291 section 2.5.5.2). */

export interface Prefix {
  readonly bytes: Uint8Array;
  /** Significant bits of the 16 bytes, 0 to 128. */
  readonly bits: number;
  readonly isV4: boolean;
}

/** The 16 bytes of an address, or null when the text is none. */
export function parseIp(text: string): Uint8Array | null {
  return reader.readText(text) && !reader.hasLength ? reader.toBytes() : null;
}

/** A prefix; a bare address is a prefix of full length. Null when the text is neither. */
export function parsePrefix(text: string): Prefix | null {
  if (!reader.readText(text)) return null;
  return { bytes: reader.toBytes(), bits: reader.bits, isV4: reader.isV4 };
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

/** A longer text is no address, nor a prefix. */
const MAX_TEXT = 64;
const GROUPS = 8;
const SLASH = 0x2f;
const COLON = 0x3a;
const DOT = 0x2e;
const ZERO = 0x30;

/** Reads prefixes one after the other, each in place of the one before, without an allocation: lists have millions. */
export class PrefixReader {
  /** The address of the last one read, as four words of 32 bits, the most significant first. */
  readonly words: Uint32Array = new Uint32Array(4);
  /** Significant bits, 0 to 128. */
  bits = 0;
  /** It was written as an IPv4 address. */
  isV4 = false;
  /** Its length was written. */
  hasLength = false;
  readonly #groups = new Uint16Array(GROUPS);
  readonly #text = new Uint8Array(MAX_TEXT);

  /** Reads an address or a prefix; false when the text is neither, and nothing was read. */
  readText(text: string): boolean {
    const { length } = text;
    if (length > MAX_TEXT) return false;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return false;
      this.#text[i] = code;
    }
    return this.read(this.#text, 0, length);
  }

  /** As `readText`, of the bytes from `from` to `to`, which is not among them. */
  read(bytes: Uint8Array, from: number, to: number): boolean {
    if (to - from > MAX_TEXT) return false;
    let slash = to;
    let isV4 = true;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (byte === COLON) isV4 = false;
      else if (byte === SLASH) {
        slash = at;
        break;
      }
    }
    const width = isV4 ? 32 : 128;
    const own = slash === to ? width : decimal(bytes, slash + 1, to);
    if (own === -1 || own > width) return false;
    if (isV4) {
      const address = readV4(bytes, from, slash);
      if (address === -1) return false;
      this.words[0] = 0;
      this.words[1] = 0;
      this.words[2] = 0xffff;
      this.words[3] = address;
    } else if (!this.#readV6(bytes, from, slash)) return false;
    this.bits = own + 128 - width;
    this.isV4 = isV4;
    this.hasLength = slash !== to;
    return true;
  }

  /** RFC 4291 section 2.2. */
  #readV6(bytes: Uint8Array, from: number, to: number): boolean {
    const groups = this.#groups;
    let count = 0;
    /** The group that `::` stands before; -1: there is none. */
    let gap = -1;
    let at = from;
    if (bytes[at] === COLON) {
      if (at + 1 >= to || bytes[at + 1] !== COLON) return false;
      gap = 0;
      at += 2;
    }
    while (at < to) {
      if (count === GROUPS) return false;
      const start = at;
      let value = 0;
      for (let digit = hexDigit(bytes[at]!); at < to && digit !== -1; digit = hexDigit(bytes[at]!)) {
        value = ((value << 4) | digit) & 0xf_ffff;
        at++;
      }
      if (at < to && bytes[at] === DOT) {
        const address = readV4(bytes, start, to);
        if (address === -1 || count > GROUPS - 2) return false;
        groups[count++] = address >>> 16;
        groups[count++] = address & 0xffff;
        at = to;
        break;
      }
      if (at === start || at - start > 4) return false;
      groups[count++] = value;
      if (at === to) break;
      if (bytes[at++] !== COLON || at === to) return false;
      if (bytes[at] !== COLON) continue;
      if (gap !== -1) return false;
      gap = count;
      at++;
    }
    if (gap === -1 ? count !== GROUPS : count === GROUPS) return false;
    const missing = GROUPS - count;
    for (let i = 0; i < GROUPS; i += 2) {
      this.words[i >> 1] = ((this.#group(i, gap, missing) << 16) | this.#group(i + 1, gap, missing)) >>> 0;
    }
    return true;
  }

  #group(index: number, gap: number, missing: number): number {
    if (gap === -1 || index < gap) return this.#groups[index]!;
    return index < gap + missing ? 0 : this.#groups[index - missing]!;
  }

  /** The 16 bytes of the address that was read last. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(16);
    for (let i = 0; i < 16; i++) bytes[i] = this.words[i >> 2]! >>> (24 - (i & 3) * 8);
    return bytes;
  }
}

const reader = new PrefixReader();

/** One to three digits; -1 for anything else. */
function decimal(bytes: Uint8Array, from: number, to: number): number {
  if (to - from < 1 || to - from > 3) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = bytes[at]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Four numbers up to 255 without leading zeros, as one; -1 for anything else. */
function readV4(bytes: Uint8Array, from: number, to: number): number {
  let address = 0;
  let at = from;
  for (let octet = 0; octet < 4; octet++) {
    let end = at;
    while (end < to && bytes[end] !== DOT) end++;
    const value = decimal(bytes, at, end);
    if (value === -1 || value > 255 || (bytes[at] === ZERO && end - at > 1)) return -1;
    address = address * 256 + value;
    if (end === to) return octet === 3 ? address : -1;
    at = end + 1;
  }
  return -1;
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= 0x39) return byte - ZERO;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}
