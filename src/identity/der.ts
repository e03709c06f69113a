/**
 * Reading DER (X.690) in place: elements are found by their offsets and nothing is copied. It is for what is read by the
 * hundred thousand or before anything is verified; certificates as a whole are read by @peculiar/x509.
 */

/** One element: its tag, where it begins, and where its content begins and ends. */
export interface Element {
  readonly tag: number;
  readonly at: number;
  readonly start: number;
  readonly end: number;
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const;

/** The bytes are no DER, or not what was to be read. */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'DerError';
  }
}

/** The element that begins at `at`. @throws DerError when it does not end before `end`, or has a tag of several bytes. */
export function elementAt(bytes: Uint8Array, at: number, end: number = bytes.length): Element {
  const tag = bytes[at];
  let length = bytes[at + 1];
  if (tag === undefined || length === undefined || at + 2 > end) throw new DerError(`it ends at byte ${at}`);
  if ((tag & 0x1f) === 0x1f) throw new DerError(`a tag of several bytes at byte ${at}`);
  let start = at + 2;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count < 1 || count > 4 || start + count > end) throw new DerError(`a length of no use at byte ${at}`);
    length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + bytes[start + i]!;
    start += count;
    if (length < 0x80 || length < 256 ** (count - 1))
      throw new DerError(`a length that is not minimal at byte ${at}`);
  }
  if (length > end - start) throw new DerError(`an element that is cut off at byte ${at}`);
  return { tag, at, start, end: start + length };
}

/** The element at `at`, which must have this tag. @throws DerError */
export function expect(bytes: Uint8Array, at: number, end: number, tag: number): Element {
  const element = elementAt(bytes, at, end);
  if (element.tag === tag) return element;
  throw new DerError(`tag ${element.tag} where ${tag} must come, at byte ${at}`);
}

/** What `element` holds, one after the other. @throws DerError as soon as one of them is malformed. */
export function* childrenOf(bytes: Uint8Array, element: Element): Generator<Element> {
  for (let at = element.start; at < element.end; ) {
    const child = elementAt(bytes, at, element.end);
    yield child;
    at = child.end;
  }
}

/** The whole element, tag and length included. */
export function whole(bytes: Uint8Array, element: Element): Uint8Array {
  return bytes.subarray(element.at, element.end);
}

export function contentOf(bytes: Uint8Array, element: Element): Uint8Array {
  return bytes.subarray(element.start, element.end);
}

/** Milliseconds since the epoch of a UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5. @throws DerError */
export function timeOf(bytes: Uint8Array, element: Element): number {
  const text = Buffer.from(contentOf(bytes, element)).toString('latin1');
  const digits = element.tag === TAG.utcTime ? 2 : 4;
  const match = new RegExp(`^(\\d{${digits}})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)Z$`).exec(text);
  if (match === null) throw new DerError(`no time at byte ${element.at}`);
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const fullYear = digits === 4 ? year : year < 50 ? 2000 + year : 1900 + year;
  return Date.UTC(fullYear, month - 1, day, hour, minute, second);
}

/** The dotted form of an object identifier's content. @throws DerError when it is cut off or out of all proportion. */
export function oidOf(bytes: Uint8Array, element: Element): string {
  const content = contentOf(bytes, element);
  if (content.length === 0 || content.length > 32 || content.at(-1)! >= 0x80)
    throw new DerError(`no object identifier at byte ${element.at}`);
  const numbers: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (numbers.length > 0) numbers.push(value);
    else {
      const first = Math.min(Math.floor(value / 40), 2);
      numbers.push(first, value - first * 40);
    }
    value = 0;
  }
  return numbers.join('.');
}
