/**
 * TCP signatures as p0f 3 writes them, raw ones and those of its database:
 * version:ttl:olen:mss:window,scale:options:quirks:payload (p0f 3 README, section 5).
 */

/** Quirks in p0f's order; `Quirks` has the bit of each. */
export const QUIRKS = [
  'df',
  'id+',
  'id-',
  'ecn',
  '0+',
  'flow',
  'seq-',
  'ack+',
  'uptr+',
  'urgf+',
  'pushf+',
  'ts1-',
  'ts2+',
  'opt+',
  'exws',
  'bad',
] as const;

export type Quirk = (typeof QUIRKS)[number];

/** Bits of some quirks. */
export function quirkBits(...names: readonly Quirk[]): number {
  return names.reduce((bits, name) => bits | (1 << QUIRKS.indexOf(name)), 0);
}

export interface Window {
  /** `modulo`: a multiple of `value`; `mss` and `mtu`: `value` times as large. */
  readonly kind: 'any' | 'exact' | 'modulo' | 'mss' | 'mtu';
  readonly value: number;
}

/** Null is a wildcard. */
export interface Signature {
  readonly version: 4 | 6 | null;
  /** Initial TTL. Of a raw signature, the one that was seen. */
  readonly ttl: number;
  /** The initial TTL is not known: any up to `ttl` fits. */
  readonly anyTtl: boolean;
  /** Bytes of IPv4 options. */
  readonly optionsLength: number;
  readonly mss: number | null;
  readonly window: Window;
  readonly scale: number | null;
  /** As written, such as `mss,sok,ts,nop,ws`. */
  readonly layout: string;
  readonly quirks: number;
  readonly payload: boolean | null;
}

/** A part of a signature that cannot be read; `at` is its offset in the text. */
export interface SignatureProblem {
  readonly at: number;
  readonly message: string;
}

const OPTION = /^(?:nop|mss|ws|sok|sack|ts|eol\+(?:[0-9]|[1-3][0-9])|\?(?:[0-9]{1,3}))$/;
const MAX_OPTIONS = 24;
const FIELDS = [
  'IP version',
  'TTL',
  'length of IP options',
  'MSS',
  'window and scale',
  'TCP options',
  'quirks',
  'payload',
] as const;
const V4_QUIRKS = quirkBits('df', 'id+', 'id-', '0+');
const V6_QUIRKS = quirkBits('flow');

/** Reads a signature of a database, or says what is wrong with it. */
export function parseSignature(text: string): Signature | SignatureProblem {
  const fields = text.split(':');
  if (fields.length !== FIELDS.length) {
    return { at: 0, message: `a signature has ${FIELDS.length} fields between colons, not ${fields.length}` };
  }
  const [version, ttl, olen, mss, window, layout, quirks, payload] = fields as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const at = (field: number): number =>
    fields.slice(0, field).reduce((sum, { length }) => sum + length + 1, 0);
  const wrong = (field: number): SignatureProblem => ({
    at: at(field),
    message: `${JSON.stringify(fields[field])} cannot be the ${FIELDS[field]} of a signature: ${WANTED[field]}`,
  });
  if (!/^[46*]$/.test(version)) return wrong(0);
  const initial = readTtl(ttl);
  if (initial === null) return wrong(1);
  const optionsLength = readNumber(olen, 0, 40);
  if (optionsLength === null) return wrong(2);
  const segment = mss === '*' ? null : (readNumber(mss, 0, 0xffff) ?? undefined);
  if (segment === undefined) return wrong(3);
  const [size, shift] = readWindow(window) ?? [];
  if (size === undefined || shift === undefined) return wrong(4);
  const options = layout === '' ? [] : layout.split(',');
  if (options.length > MAX_OPTIONS || !options.every((option) => OPTION.test(option))) return wrong(5);
  const bits = readQuirks(quirks);
  if (bits === null) return wrong(6);
  if ((version === '4' && (bits & V6_QUIRKS) !== 0) || (version === '6' && (bits & V4_QUIRKS) !== 0)) {
    return { at: at(6), message: `${JSON.stringify(quirks)} has a quirk that IPv${version} cannot show` };
  }
  if (!/^[0+*]$/.test(payload)) return wrong(7);
  return {
    version: version === '*' ? null : version === '4' ? 4 : 6,
    ttl: initial,
    anyTtl: ttl.endsWith('-'),
    optionsLength,
    mss: segment,
    window: size,
    scale: shift,
    layout,
    quirks: bits,
    payload: payload === '*' ? null : payload === '+',
  };
}

const WANTED = [
  'write 4, 6 or *',
  'write 0 to 255, as 64, 54+10 or 64-',
  'write 0 to 40',
  'write 0 to 65535 or *',
  'write a number, *, mss*N, mtu*N or %N, then a comma and 0 to 255 or *',
  'write nop, mss, ws, sok, sack, ts, eol+N or ?N between commas',
  `write some of ${QUIRKS.join(' ')} between commas`,
  'write 0, + or *',
];

function readNumber(text: string, min: number, max: number): number | null {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return value >= min && value <= max ? value : null;
}

/** `64`, `54+10` (seen, distance) or `64-`. */
function readTtl(text: string): number | null {
  const [, first, distance = '0'] = /^(\d{1,3})(?:\+(\d{1,3})|-)?$/.exec(text) ?? [];
  return first === undefined ? null : readNumber(String(Number(first) + Number(distance)), 0, 255);
}

function readWindow(text: string): [Window, number | null] | null {
  const [, any, unit, value, scaleText] =
    /^(?:(\*)|(mss\*|mtu\*|%)?(\d{1,5})),(\*|\d{1,3})$/.exec(text) ?? [];
  if (scaleText === undefined) return null;
  const scale = scaleText === '*' ? null : readNumber(scaleText, 0, 255);
  const kind =
    any !== undefined
      ? 'any'
      : unit === undefined
        ? 'exact'
        : unit === '%'
          ? 'modulo'
          : unit === 'mss*'
            ? 'mss'
            : 'mtu';
  const number = readNumber(value ?? '0', kind === 'any' || kind === 'exact' ? 0 : 1, 0xffff);
  if (number === null || (scale === null && scaleText !== '*')) return null;
  return [{ kind, value: number }, scale];
}

function readQuirks(text: string): number | null {
  let bits = 0;
  for (const name of text === '' ? [] : text.split(',')) {
    const index = QUIRKS.indexOf(name as Quirk);
    if (index === -1) return null;
    bits |= 1 << index;
  }
  return bits;
}
