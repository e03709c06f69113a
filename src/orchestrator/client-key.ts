/** The keys by which counters, limits, challenges and canaries tell clients apart. */
import type { Core } from '../core/core.ts';
import type { KeyHasher } from '../limit/key.ts';
import type { KeyPart, Program } from '../pdl/ir.ts';
import type { Client } from './client.ts';
import { FACT } from './facts.ts';

export const ADDRESS_BITS = 128;
const V4_PREFIX_BITS = 96;

/** Keeps the kinds of entries apart in one hash. */
export const NAMESPACE = {
  counter: 1,
  limit: 2,
  challenge: 3,
  process: 4,
  canary: 5,
  good: 6,
  client: 7,
  answer: 8,
  nonce: 9,
} as const;

/** Facts that every client has a field for. */
const OWN: ReadonlySet<number> = new Set([
  FACT.ip,
  FACT.listener,
  FACT.asn,
  FACT.country,
  FACT.sni,
  FACT.ja3,
  FACT.ja4,
]);

/** What a key part reads from a client; null when the client lacks it. Addresses are read with their prefix. */
function partOf(fact: number, client: Client): string | number | null {
  switch (fact) {
    case FACT.listener:
      return client.listener;
    case FACT.sni:
      return client.sni;
    case FACT.ja3:
      return client.ja3;
    case FACT.ja4:
      return client.ja4;
    case FACT.asn:
      return client.origin.asn;
    case FACT.country:
      return client.origin.country;
    default:
      return client.others.get(fact) ?? null;
  }
}

/** Bits of an address, of all 128, that a key part keeps. */
function bitsOf({ v4, v6 }: KeyPart, isV4: boolean): number {
  return isV4 ? V4_PREFIX_BITS + v4 : Math.min(v6, ADDRESS_BITS);
}

/** Loads the hasher with a key; false when the client lacks a part of it, and must not be counted. */
export function hashKey(
  hasher: KeyHasher,
  namespace: number,
  name: string,
  parts: readonly KeyPart[],
  client: Client,
): boolean {
  hasher.begin(namespace);
  hasher.text(name);
  for (const part of parts) {
    if (part.fact === FACT.ip) {
      hasher.ip(client.ip, bitsOf(part, client.isV4));
      continue;
    }
    const value = partOf(part.fact, client);
    if (value === null) return false;
    if (typeof value === 'number') hasher.number(value);
    else hasher.text(value);
  }
  hasher.end();
  return true;
}

/** The same key as a text, for what is bound to it with a signature; a part that is missing is empty. */
export function keyText(parts: readonly KeyPart[], client: Client): string {
  const texts = parts.map((part) =>
    part.fact === FACT.ip
      ? maskedHex(client.ip, bitsOf(part, client.isV4))
      : (partOf(part.fact, client) ?? ''),
  );
  return texts.join('\0');
}

/** The first `bits` of an address in hexadecimal, the rest zero. */
function maskedHex(ip: Uint8Array, bits: number): string {
  const masked = Buffer.from(ip);
  for (let byte = 0; byte < masked.length; byte++) {
    const kept = Math.min(Math.max(bits - byte * 8, 0), 8);
    masked[byte]! &= 0xff << (8 - kept);
  }
  return masked.toString('hex');
}

/** Facts, by index, that a program's keys are made of and that no field of a client holds. */
export function otherKeyFacts(program: Program): readonly number[] {
  const keys = [
    ...program.counters.map(({ key }) => key),
    ...program.limits.map(({ key }) => key),
    ...program.canaries.map(({ key }) => key),
    ...program.challenges.map(({ clearsPer }) => clearsPer),
  ];
  return [...new Set(keys.flat().map(({ fact }) => fact))].filter((fact) => !OWN.has(fact));
}

/** Takes over what the core knows by now of the facts that keys are made of. */
export function learnKeyFacts(core: Core, client: Client, others: readonly number[]): void {
  if (others.length === 0) return;
  const known = new Map<number, string | number>();
  for (const fact of others) {
    const value = core.readText(fact) ?? core.readNumber(fact);
    if (value !== null) known.set(fact, value);
  }
  client.others = known;
}
