/** Facts given from outside in JSON: how each type is written, and how it reaches the decision core. */
import type { Core } from '../core/core.ts';
import { FACTS, type FactDefinition } from '../pdl/registry/facts.gen.ts';
import {
  CIPHER_CODES,
  EXTENSION_CODES,
  GROUP_CODES,
  PSK_MODE_CODES,
  SIGALG_CODES,
} from '../pdl/registry/iana.ts';
import { parseIp } from './ip.ts';

const CODES: Readonly<Record<string, ReadonlyMap<string, number>>> = {
  cipher: CIPHER_CODES,
  group: GROUP_CODES,
  sigalg: SIGALG_CODES,
  extension: EXTENSION_CODES,
  psk_mode: PSK_MODE_CODES,
  tls_version: new Map([
    ['tls1.0', 0x0301],
    ['tls1.1', 0x0302],
    ['tls1.2', 0x0303],
    ['tls1.3', 0x0304],
  ]),
};

const TEXT_TYPES: ReadonlySet<string> = new Set([
  'host',
  'string',
  'ja3',
  'ja4',
  'ident',
  'country',
  'alpn',
  'ca',
  'key_type',
  'eku',
  'fingerprint',
  'spiffe',
]);

/**
 * Gives a fact a value: true and false, numbers, text, lists of text, of code points or of their IANA names, null
 * for unknown. Durations are microseconds, rates events per second × 1e6, percents × 1e4, times ISO 8601.
 * The answer is null, or what is wrong with the name or the value.
 */
export function setFact(core: Core, name: string, value: unknown): string | null {
  const index = FACTS.findIndex((fact) => fact.name === name);
  const fact = FACTS[index];
  if (!fact) return `there is no fact called ${name}`;
  if (value === null) {
    core.setUnknown(index);
    return null;
  }
  return put(core, index, fact, value) ? null : `${name} cannot be ${JSON.stringify(value)}`;
}

function put(core: Core, index: number, fact: FactDefinition, value: unknown): boolean {
  if (fact.list && TEXT_TYPES.has(fact.type)) {
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) return false;
    core.setStrings(index, value);
    return true;
  }
  if (fact.list) {
    const codes = Array.isArray(value) ? value.map((each) => codePoint(fact, each)) : [null];
    if (!codes.every((code) => code !== null)) return false;
    core.setList(index, codes);
    return true;
  }
  if (fact.type === 'ip') {
    const address = typeof value === 'string' ? parseIp(value) : null;
    if (address) core.setIp(index, address.ip, address.isV4);
    return address !== null;
  }
  if (TEXT_TYPES.has(fact.type)) {
    if (typeof value === 'string') core.setText(index, value);
    return typeof value === 'string';
  }
  const number = scalar(fact, value);
  if (number !== null) core.setNumber(index, number);
  return number !== null;
}

function scalar(fact: FactDefinition, value: unknown): number | null {
  if (fact.type === 'bool') return typeof value === 'boolean' ? Number(value) : null;
  if (fact.type === 'datetime' && typeof value === 'string') {
    const time = Date.parse(value);
    return Number.isNaN(time) ? null : time;
  }
  return codePoint(fact, value);
}

function codePoint(fact: FactDefinition, value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null;
  return typeof value === 'string' ? (CODES[fact.type]?.get(value) ?? null) : null;
}
