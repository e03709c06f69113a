/** Made-up feeds of addresses, the same ones for the same seed. */
import { parseIp } from '../../src/pdl/ip.ts';

/** A generator of numbers from 0 to 1 (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** First hextets from which registries hand out IPv6 addresses. */
const V6_TOPS = [0x2001, 0x2400, 0x2600, 0x2606, 0x2800, 0x2a00, 0x2a02, 0x2c0f];
/** As feeds have them: mostly single addresses of IPv4, and networks of IPv6. */
const V4_LENGTHS = [24, 28, 32, 32, 32, 32, 32, 32];
const V6_LENGTHS = [32, 40, 48, 48, 56, 64, 64, 128];

export type Family = 'v4' | 'v6';

const pick = (next: () => number, values: readonly number[]): number =>
  values[Math.floor(next() * values.length)]!;

/** The bytes of an address that is in use somewhere. */
export function address(family: Family, next: () => number): Uint8Array {
  const bytes = new Uint8Array(family === 'v4' ? 4 : 16);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(next() * 256);
  if (family === 'v4') bytes[0] = 1 + (bytes[0]! % 223);
  else {
    const top = pick(next, V6_TOPS);
    bytes[0] = top >> 8;
    bytes[1] = top & 255;
  }
  return bytes;
}

/** The bytes of an address that a prefix covers. */
export function addressIn(text: string, next: () => number): Uint8Array {
  const [base, length] = text.split('/') as [string, string];
  const ip = parseIp(base)!;
  const bytes = base.includes(':') ? ip : ip.subarray(12);
  return bytes.map((byte, i) => {
    const kept = Math.min(Math.max(Number(length) - i * 8, 0), 8);
    const free = 0xff >> kept;
    return (byte & ~free) | (Math.floor(next() * 256) & free);
  });
}

export function prefix(family: Family, next: () => number): string {
  const bytes = address(family, next);
  if (family === 'v4') return `${bytes.join('.')}/${pick(next, V4_LENGTHS)}`;
  const text = Buffer.from(bytes).toString('hex').match(/..../g)!.join(':');
  return `${text}/${pick(next, V6_LENGTHS)}`;
}
