/** Values of facts as a policy writes them. */
import type { FactValue } from '../testing/compile-test.ts';
import type { FactDefinition } from './facts.gen.ts';
import { CIPHER_NAMES, EXTENSION_NAMES, GROUP_NAMES, PSK_MODE_CODES, SIGALG_CODES } from './iana.ts';

const invert = (codes: ReadonlyMap<string, number>): ReadonlyMap<number, string> =>
  new Map([...codes].map(([name, code]) => [code, name]));

const NAMES: Readonly<Record<string, ReadonlyMap<number, string>>> = {
  cipher: CIPHER_NAMES,
  group: GROUP_NAMES,
  extension: EXTENSION_NAMES,
  sigalg: invert(SIGALG_CODES),
  psk_mode: invert(PSK_MODE_CODES),
};
const BARE: readonly string[] = ['ip', 'cidr', 'country', 'ident', 'ca', 'key_type', 'eku'];
const UNITS: readonly (readonly [factor: number, unit: string])[] = [
  [86_400_000_000, 'd'],
  [3_600_000_000, 'h'],
  [60_000_000, 'm'],
  [1_000_000, 's'],
  [1_000, 'ms'],
];

/** `conn.rtt 20ms`, `hello.alpn [ "h2" ]`, `unknown hello.sni`: an entry of `given`. */
export function showFact(fact: FactDefinition, value: FactValue): string {
  return value === null ? `unknown ${fact.name}` : `${fact.name} ${showValue(fact, value)}`;
}

/** A value in the engine's units as the language writes it. */
export function showValue({ type }: Pick<FactDefinition, 'type'>, value: FactValue): string {
  if (value === null) return 'unknown';
  if (typeof value !== 'object') return showOne(type, value);
  return value.length === 0 ? '[ ]' : `[ ${value.map((each) => showOne(type, each)).join(', ')} ]`;
}

function showOne(type: FactDefinition['type'], value: boolean | number | string): string {
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return BARE.includes(type) ? value : `"${value}"`;
  switch (type) {
    case 'bool':
      return String(value === 1);
    case 'duration':
      return showDuration(value);
    case 'rate':
      return showRate(value);
    case 'percent':
      return `${value / 10_000}%`;
    case 'bytes':
      return value > 0 && value % 1024 === 0 ? `${value / 1024}KiB` : `${value}B`;
    case 'datetime':
      return new Date(value).toISOString();
    case 'asn':
      return `AS${value}`;
    case 'tls_version':
      return `tls1.${value - 0x0301}`;
    default:
      return (
        NAMES[type]?.get(value) ??
        (type in NAMES ? `0x${value.toString(16).padStart(4, '0')}` : String(value))
      );
  }
}

/** Microseconds; what no unit divides is rounded to milliseconds. */
function showDuration(us: number): string {
  if (us === 0) return '0s';
  const [factor, unit] = UNITS.find(([size]) => us % size === 0) ?? UNITS.at(-1)!;
  return `${Math.round(us / factor)}${unit}`;
}

/** Events per second × 1,000,000: per second, or to the next whole number per minute. */
export function showRate(value: number): string {
  const perMinute = Math.round((value * 60) / 1_000_000);
  return perMinute % 60 === 0 ? `${perMinute / 60}/s` : `${perMinute}/m`;
}
