/** Literals and bare words read by the type that is expected of them. */

import { closest } from '../diagnostics/closest.ts';
import type { Fix, Report } from '../diagnostics/diagnostic.ts';
import { parseIp, parsePrefix } from '../ip.ts';
import type { Span } from '../ir.ts';
import type { FactType } from '../registry/facts.gen.ts';
import {
  CIPHER_CODES,
  EXTENSION_CODES,
  GROUP_CODES,
  PSK_MODE_CODES,
  SIGALG_CODES,
} from '../registry/iana.ts';
import type { Items, Value } from '../syntax/ast.ts';
import { find, type Module } from './modules.ts';
import { bytesOf, integerOf, millisecondsOf, percentOf, rateOf, timeOf, tlsVersionOf } from './units.ts';

/** Types of facts and of sets. */
export type ValueType = FactType;

/** How the engine holds a type: a number to compare, a code point, or a member of a table. */
export type Shape = 'number' | 'code' | 'text';

const CODES: Readonly<Partial<Record<ValueType, ReadonlyMap<string, number>>>> = {
  cipher: CIPHER_CODES,
  group: GROUP_CODES,
  sigalg: SIGALG_CODES,
  extension: EXTENSION_CODES,
  psk_mode: PSK_MODE_CODES,
};
const NUMBERS: readonly ValueType[] = [
  'bool',
  'int',
  'bytes',
  'duration',
  'rate',
  'percent',
  'datetime',
  'tls_version',
];
/** What a value of each type looks like, for messages. */
const EXAMPLES: Readonly<Record<ValueType, string>> = {
  bool: 'true or false',
  int: 'a whole number',
  bytes: 'a size such as 512B or 16KiB',
  duration: 'a duration such as 30s or 15m',
  rate: 'a rate such as 5/s or 300/m',
  percent: 'a percentage such as 80%',
  datetime: 'a date such as 2027-01-31 or a time such as 2027-01-31T12:00:00Z',
  ip: 'an address such as 203.0.113.7',
  cidr: 'a prefix such as 203.0.113.0/24',
  asn: 'a network number such as AS64500',
  country: 'a country such as NL',
  host: 'a host name in double quotes',
  string: 'a string in double quotes',
  ja3: 'a JA3 hash of 32 hex digits in double quotes',
  ja4: 'a JA4 fingerprint in double quotes',
  tls_version: 'a TLS version such as tls1.2',
  cipher: 'a cipher suite by its IANA name, or cipher(0x1301)',
  group: 'a group by its IANA name, or group(0x001d)',
  sigalg: 'a signature scheme by its IANA name, or sigalg(0x0403)',
  extension: 'an extension by its IANA name, or ext(0x4469)',
  alpn: 'a protocol in double quotes, such as "h2"',
  psk_mode: 'psk_ke or psk_dhe_ke',
  ident: 'a name',
  fingerprint: 'a certificate’s SHA-256 fingerprint, lower-case hex digits in double quotes',
  spiffe: 'a SPIFFE id in double quotes, such as "spiffe://example.org/api"',
  ca: 'the name of a `ca`',
  key_type: 'rsa_2048, rsa_3072, rsa_4096, ec_p256, ec_p384, ec_p521, ed25519 or ed448',
  eku: 'server_auth, client_auth, code_signing, email_protection, time_stamping, ocsp_signing or any',
};
/** Names that stand for themselves, by the type that has them (RFC 5280 section 4.2.1.12 for `eku`). */
const WORDS: Readonly<Partial<Record<ValueType, readonly string[]>>> = {
  key_type: [
    'rsa_1024',
    'rsa_2048',
    'rsa_3072',
    'rsa_4096',
    'ec_p256',
    'ec_p384',
    'ec_p521',
    'ed25519',
    'ed448',
  ],
  eku: [
    'any',
    'server_auth',
    'client_auth',
    'code_signing',
    'email_protection',
    'time_stamping',
    'ocsp_signing',
  ],
};
const TEXT_FORMS: Readonly<Partial<Record<ValueType, RegExp>>> = {
  ja3: /^[0-9a-f]{32}$/,
  ja4: /^[tqd][0-9a-z]{2}[di]\d{4}[!-~]{2}_[0-9a-f]{12}_[0-9a-f]{12}$/,
  fingerprint: /^(?:[0-9a-f]{2}){1,32}$/,
  spiffe: /^spiffe:\/\/[a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/,
  host: /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/,
};
const CODEPOINT_PREFIX: Readonly<Partial<Record<ValueType, string>>> = {
  cipher: 'cipher',
  group: 'group',
  sigalg: 'sigalg',
  extension: 'ext',
};

/** No fact is longer than this, and no table holds a longer member. */
const MAX_TEXT = 255;

export function shapeOf(type: ValueType): Shape {
  if (CODES[type]) return 'code';
  return NUMBERS.includes(type) ? 'number' : 'text';
}

export function exampleOf(type: ValueType): string {
  return EXAMPLES[type];
}

/** A constant's value in place of its name; other values as they are. */
function resolveConstant(module: Module, value: Value): Value {
  if (value.kind !== 'name') return value;
  const found = find(module, 'let', value.text);
  if (!found || 'items' in found.node.value) return value;
  return { ...found.node.value, span: value.span };
}

/** The values of a set or list, with constants that are lists spliced in. */
export function resolveItems(module: Module, items: Items): Value[] {
  return items.items.flatMap((value) => {
    const found = value.kind === 'name' ? find(module, 'let', value.text) : null;
    if (found && 'items' in found.node.value) return [...found.node.value.items];
    return [resolveConstant(module, value)];
  });
}

/**
 * The engine's form of a value: a number (see `Atom` in ir.ts for the units) or a table member's text.
 * Reports and answers null when the value does not fit the type; `comparedWith` is what it stands beside.
 */
export function readValue(
  module: Module,
  written: Value,
  type: ValueType,
  report: Report,
  comparedWith: Span | null = null,
): number | string | null {
  const value = resolveConstant(module, written);
  const number = readNumber(value, type);
  if (number !== undefined) {
    if (Number.isSafeInteger(number)) return number;
    return reject(report, value, `\`${value.text}\` is no ${type} that exists`, type, 'PDL-Y007');
  }
  if (CODES[type]) return readCode(value, type, report);
  if (WORDS[type]) return readWord(value, type, WORDS[type], report);
  const text = readText(value, type);
  if (text === undefined) return mismatch(report, value, type, comparedWith);
  const form = TEXT_FORMS[type];
  if (text === null || text === '' || text.length > MAX_TEXT || (form && !form.test(text))) {
    return reject(report, value, `\`${value.text}\` is not ${EXAMPLES[type]}`, type, 'PDL-Y007');
  }
  return text;
}

function readNumber(value: Value, type: ValueType): number | undefined {
  const { kind, text } = value;
  switch (type) {
    case 'bool':
      return kind === 'name' && (text === 'true' || text === 'false') ? Number(text === 'true') : undefined;
    case 'int':
      return kind === 'int' ? integerOf(text) : undefined;
    case 'bytes':
      return kind === 'bytes' ? bytesOf(text) : undefined;
    case 'duration':
      return kind === 'duration' ? millisecondsOf(text) * 1000 : undefined;
    case 'rate':
      return kind === 'rate' ? rateOf(text) : undefined;
    case 'percent':
      return kind === 'percent' ? percentOf(text) : undefined;
    case 'datetime':
      return kind === 'date' || kind === 'datetime' ? timeOf(text) : undefined;
    case 'tls_version':
      return kind === 'tls_version' ? tlsVersionOf(text) : undefined;
    default:
      return undefined;
  }
}

/** Undefined: another kind of value; null: the right kind, but malformed. */
function readText(value: Value, type: ValueType): string | null | undefined {
  const { kind, text } = value;
  switch (type) {
    case 'ip':
      return kind === 'ip' ? (parseIp(text) === null ? null : withLength(text)) : undefined;
    case 'cidr':
      return kind === 'cidr' || kind === 'ip'
        ? parsePrefix(text) === null
          ? null
          : withLength(text)
        : undefined;
    case 'asn':
      return kind === 'asn' ? (Number(text.slice(2)) <= 0xffffffff ? text.slice(2) : null) : undefined;
    case 'country':
      return kind === 'name' ? (/^[A-Z]{2}$/.test(text) ? text : null) : undefined;
    case 'ca':
      return kind === 'name' ? text : undefined;
    case 'ident':
      return kind === 'name' || kind === 'string' ? text : undefined;
    case 'host':
      return kind === 'string' ? text.toLowerCase() : undefined;
    default:
      return kind === 'string' ? text : undefined;
  }
}

function withLength(text: string): string {
  return text.includes('/') ? text : `${text}/${text.includes(':') ? 128 : 32}`;
}

function readCode(value: Value, type: ValueType, report: Report): number | null {
  if (value.kind === 'codepoint') {
    const [prefix, hex] = value.text.slice(0, -1).split('(');
    const code = Number.parseInt(hex!.slice(2), 16);
    if (prefix === CODEPOINT_PREFIX[type] && code <= 0xffff) return code;
    return mismatch(report, value, type);
  }
  if (value.kind !== 'name') return mismatch(report, value, type);
  const names = CODES[type]!;
  const code = names.get(value.text);
  if (code !== undefined) return code;
  const near = closest(value.text, names.keys());
  const help = near === null ? `write ${EXAMPLES[type]}` : `did you mean \`${near}\`?`;
  report.error('PDL-N007', value.span, `there is no ${type} called \`${value.text}\``, help);
  return null;
}

function readWord(value: Value, type: ValueType, words: readonly string[], report: Report): string | null {
  if (value.kind !== 'name') return mismatch(report, value, type);
  if (words.includes(value.text)) return value.text;
  const near = closest(value.text, words);
  const help = near === null ? `write ${EXAMPLES[type]}` : `did you mean \`${near}\`?`;
  report.error('PDL-N007', value.span, `there is no ${type} called \`${value.text}\``, help);
  return null;
}

/** Units to choose from, and two values as examples, for a number without a unit. */
const UNITS: Readonly<Partial<Record<ValueType, { units: readonly string[]; example: string }>>> = {
  rate: { units: ['/s', '/m'], example: 'a rate such as 5/s or 300/m' },
  duration: { units: ['s', 'm', 'h'], example: 'a duration such as 30s or 15m' },
  bytes: { units: ['B', 'KiB'], example: 'a size such as 512B or 16KiB' },
  percent: { units: ['%'], example: 'a percentage such as 80%' },
};

function mismatch(report: Report, value: Value, type: ValueType, comparedWith: Span | null = null): null {
  const unitless = value.kind === 'int' ? UNITS[type] : undefined;
  const shown = value.kind === 'string' ? `"${value.text}"` : `\`${value.text}\``;
  if (unitless) {
    const noun = type === 'bytes' ? 'size' : type === 'percent' ? 'percentage' : type;
    const verb = comparedWith === null ? 'needed' : 'compared';
    const fixes = unitless.units.map((unit): Fix => {
      const text = value.text + unit;
      return { kind: 'pick', title: `\`${text}\``, edits: [{ span: value.span, text }] };
    });
    const message = `${shown} has no unit, but a ${noun} is ${verb} here`;
    report.error('PDL-Y004', value.span, message, `write ${unitless.example}`, {
      label: `expected ${unitless.example}`,
      labels: comparedWith === null ? [] : [{ span: comparedWith, text: '' }],
      fixes,
    });
    return null;
  }
  return reject(report, value, `${shown} is not ${EXAMPLES[type]}`, type, 'PDL-Y002');
}

function reject(report: Report, value: Value, message: string, type: ValueType, code: string): null {
  report.error(code, value.span, message, `write ${EXAMPLES[type]}`);
  return null;
}
