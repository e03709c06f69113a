/** IP prefixes of one family, in typed arrays: a feed may have a million. */
import { parseIp } from '../pdl/ip.ts';

/** What a prefix says of its addresses: that they are in list `list`, their score in map `map`, or where they come from. */
export type Mark = { readonly list: number } | { readonly map: number; readonly score: number } | Origin;

/** Autonomous system and country of addresses; what is null is as in the shorter prefix around it. */
export interface Origin {
  /** 1 to 4,294,967,295. */
  readonly asn: number | null;
  /** ISO 3166-1 alpha-2, such as `NL`. */
  readonly country: string | null;
}

const LENGTH = /^\d{1,3}$/;
const V4_OFFSET = 96;

export class Prefixes {
  /** 32-bit words of an address: 1 for IPv4, 4 for IPv6. */
  readonly words: 1 | 4;
  readonly marks: Mark[] = [];
  #starts: Uint32Array;
  #lengths = new Uint8Array(16);
  count = 0;

  constructor(words: 1 | 4) {
    this.words = words;
    this.#starts = new Uint32Array(16 * words);
  }

  /** @param start The address as words, the most significant first; bits beyond `length` are cleared. */
  add(start: readonly number[], length: number, mark: Mark): void {
    const { words, count } = this;
    if (count === this.#lengths.length) {
      this.#starts = grown(this.#starts, new Uint32Array(count * 2 * words));
      this.#lengths = grown(this.#lengths, new Uint8Array(count * 2));
    }
    for (let i = 0; i < words; i++) {
      const kept = Math.min(Math.max(length - i * 32, 0), 32);
      this.#starts[count * words + i] = kept === 0 ? 0 : start[i]! & (0xffff_ffff << (32 - kept));
    }
    this.#lengths[count] = length;
    this.marks.push(mark);
    this.count++;
  }

  start(prefix: number, word: number): number {
    return this.#starts[prefix * this.words + word]!;
  }

  length(prefix: number): number {
    return this.#lengths[prefix]!;
  }

  /** A word of the last address. */
  last(prefix: number, word: number): number {
    const kept = Math.min(Math.max(this.length(prefix) - word * 32, 0), 32);
    const free = kept === 32 ? 0 : 0xffff_ffff >>> kept;
    return (this.start(prefix, word) | free) >>> 0;
  }

  /** Indexes by address, the shorter prefix first; equal prefixes in the order they were added. */
  order(): Uint32Array {
    const { words } = this;
    return Uint32Array.from({ length: this.count }, (_, i) => i).sort((a, b) => {
      for (let i = 0; i < words; i++) {
        const difference = this.start(a, i) - this.start(b, i);
        if (difference !== 0) return difference;
      }
      return this.length(a) - this.length(b) || a - b;
    });
  }
}

function grown<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Both families. */
export class PrefixLists {
  readonly v4: Prefixes = new Prefixes(1);
  readonly v6: Prefixes = new Prefixes(4);

  /**
   * Adds an address or a prefix, whose host bits are ignored; IPv4-mapped ones count as IPv4. False when the
   * text is neither.
   */
  add(text: string, mark: Mark): boolean {
    const slash = text.indexOf('/');
    const ip = parseIp(slash === -1 ? text : text.slice(0, slash));
    if (ip === null) return false;
    const isMapped = isV4(ip);
    const width = text.includes(':') ? 128 : 32;
    const suffix = slash === -1 ? String(width) : text.slice(slash + 1);
    const length = LENGTH.test(suffix) ? Number(suffix) : -1;
    if (length < 0 || length > width) return false;
    const bits = length + 128 - width;
    const words = [0, 4, 8, 12].map((at) => readWord(ip, at));
    if (isMapped && bits >= V4_OFFSET) this.v4.add(words.slice(3), bits - V4_OFFSET, mark);
    else this.v6.add(words, bits, mark);
    return true;
  }
}

function isV4(ip: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false;
  return ip[10] === 0xff && ip[11] === 0xff;
}

function readWord(ip: Uint8Array, at: number): number {
  return ((ip[at]! << 24) | (ip[at + 1]! << 16) | (ip[at + 2]! << 8) | ip[at + 3]!) >>> 0;
}
