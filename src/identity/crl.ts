/** Certificate revocation lists (RFC 5280 section 5): read once, asked by every connection. */
import type { CertificateParts } from './certificate-parts.ts';
import {
  childrenOf,
  contentOf,
  DerError,
  type Element,
  elementAt,
  expect,
  oidOf,
  TAG,
  timeOf,
  whole,
} from './der.ts';
import { isSignedBy, type Signed, signedOf } from './signature.ts';

/** Bytes of a serial number in the table: RFC 5280 section 4.1.2.2 allows 20. */
const SERIAL_BYTES = 20;
/** Larger lists are refused: a million entries are about 40 MB. */
const MAX_CRL_BYTES: number = 64 * 1024 * 1024;
const EXTENSIONS = 0xa0;
/** Extensions of a list whose meaning is kept: authorityKeyIdentifier and cRLNumber. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set(['2.5.29.35', '2.5.29.20']);
const REASON = '2.5.29.21';
/** The certificate is no longer on hold (only in lists of changes, which are not read). */
const REMOVE_FROM_CRL = 8;

/** Lies in memory that threads may share. */
export interface Crl {
  /** DER of the issuer's Name. */
  readonly issuer: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly thisUpdateMs: number;
  /** Null: the list does not say, and is never taken for stale. */
  readonly nextUpdateMs: number | null;
  readonly signed: Signed;
  /** Revoked serial numbers of SERIAL_BYTES each, in ascending order. */
  readonly serials: Uint8Array;
}

/**
 * Reads a list. @throws DerError that says what is wrong with it; a list that covers only part of what its issuer
 * issued, or that has a critical extension of another kind, is not read at all: half a list would pass for a whole one.
 */
export function readCrl(source: Uint8Array): Crl {
  if (source.length > MAX_CRL_BYTES) throw new DerError(`it is longer than ${MAX_CRL_BYTES} bytes`);
  const bytes = new Uint8Array(new SharedArrayBuffer(source.length));
  bytes.set(source);
  const { signed, body } = signedOf(bytes, expect(bytes, 0, bytes.length, TAG.sequence));
  const fields = [...childrenOf(bytes, body)];
  const take = (tag: number): Element => {
    const field = fields.shift();
    if (field?.tag !== tag) throw new DerError('it is no certificate revocation list');
    return field;
  };
  if (fields[0]?.tag === TAG.integer) take(TAG.integer);
  take(TAG.sequence);
  const issuer = whole(bytes, take(TAG.sequence));
  const thisUpdateMs = timeOf(bytes, takeTime(fields));
  const nextUpdateMs = isTime(fields[0]) ? timeOf(bytes, takeTime(fields)) : null;
  const entries = fields[0]?.tag === TAG.sequence ? take(TAG.sequence) : null;
  if (fields[0]?.tag === EXTENSIONS) checkExtensions(bytes, take(EXTENSIONS));
  if (fields.length > 0) throw new DerError('it has fields that are not known');
  const serials = entries === null ? new Uint8Array(0) : serialsOf(bytes, entries);
  return { issuer, thisUpdateMs, nextUpdateMs, signed, serials };
}

function isTime(field: Element | undefined): boolean {
  return field?.tag === TAG.utcTime || field?.tag === TAG.generalizedTime;
}

function takeTime(fields: Element[]): Element {
  if (!isTime(fields[0])) throw new DerError('it does not say when it was issued');
  return fields.shift()!;
}

function checkExtensions(bytes: Uint8Array, field: Element): void {
  for (const extension of childrenOf(bytes, elementAt(bytes, field.start, field.end))) {
    const [name, second] = [...childrenOf(bytes, extension)];
    const oid = oidOf(bytes, name!);
    const isCritical = second?.tag === TAG.boolean && bytes[second.start] !== 0;
    if (isCritical && !KNOWN_EXTENSIONS.has(oid)) {
      throw new DerError(
        `it has the critical extension ${oid}: lists of changes and of a part of the certificates are not read`,
      );
    }
  }
}

function serialsOf(bytes: Uint8Array, entries: Element): Uint8Array {
  const serials: Uint8Array[] = [];
  for (const entry of childrenOf(bytes, entries)) {
    const serial = expect(bytes, entry.start, entry.end, TAG.integer);
    const time = elementAt(bytes, serial.end, entry.end);
    if (time.end < entry.end && isBackInForce(bytes, elementAt(bytes, time.end, entry.end))) continue;
    serials.push(padded(contentOf(bytes, serial)));
  }
  serials.sort(Buffer.compare);
  const table = new Uint8Array(new SharedArrayBuffer(serials.length * SERIAL_BYTES));
  for (const [index, serial] of serials.entries()) table.set(serial, index * SERIAL_BYTES);
  return table;
}

/** Critical extensions of an entry: another issuer's certificate is meant, which these tables cannot say. */
function isBackInForce(bytes: Uint8Array, extensions: Element): boolean {
  for (const extension of childrenOf(bytes, extensions)) {
    const parts = [...childrenOf(bytes, extension)];
    const oid = oidOf(bytes, parts[0]!);
    const value = parts.at(-1)!;
    if (oid === REASON && bytes[value.end - 1] === REMOVE_FROM_CRL) return true;
    if (oid !== REASON && parts[1]?.tag === TAG.boolean && bytes[parts[1].start] !== 0) {
      throw new DerError(`an entry has the critical extension ${oid}: lists for other issuers are not read`);
    }
  }
  return false;
}

/** A serial number without leading zeros, in SERIAL_BYTES. @throws DerError when it is longer. */
function padded(serial: Uint8Array): Uint8Array {
  let first = 0;
  while (first < serial.length - 1 && serial[first] === 0) first++;
  const digits = serial.subarray(first);
  if (digits.length > SERIAL_BYTES)
    throw new DerError(`a serial number is longer than ${SERIAL_BYTES} bytes`);
  const result = new Uint8Array(SERIAL_BYTES);
  result.set(digits, SERIAL_BYTES - digits.length);
  return result;
}

/** Is the certificate with this serial number, which the list's issuer issued, on the list? */
function lists({ serials }: Crl, serial: Uint8Array): boolean {
  const wanted = padded(serial);
  let low = 0;
  let high = serials.length / SERIAL_BYTES;
  while (low < high) {
    const middle = (low + high) >> 1;
    const order = Buffer.compare(
      serials.subarray(middle * SERIAL_BYTES, (middle + 1) * SERIAL_BYTES),
      wanted,
    );
    if (order === 0) return true;
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return false;
}

export type CrlAnswer = 'good' | 'revoked' | 'no_list' | 'stale' | 'forged';

/** The lists of one file. Whether a signature verifies is found out once for each list and key. */
export class CrlSet {
  readonly #byIssuer = new Map<string, Crl[]>();
  readonly #verified = new WeakMap<Crl, Map<string, boolean>>();

  constructor(lists: readonly Crl[]) {
    for (const list of lists) {
      const key = hex(list.issuer);
      this.#byIssuer.set(key, [...(this.#byIssuer.get(key) ?? []), list]);
    }
  }

  /** What the lists say of a certificate. @param issuer The certificate's issuer, as the chain was verified. */
  ask(certificate: CertificateParts, issuer: CertificateParts, nowMs: number): CrlAnswer {
    let answer: CrlAnswer = 'no_list';
    for (const list of this.#byIssuer.get(hex(certificate.issuer)) ?? []) {
      if (!this.#isSignedBy(list, issuer.publicKey)) {
        if (answer === 'no_list') answer = 'forged';
        continue;
      }
      if (lists(list, certificate.serial)) return 'revoked';
      const isFresh = list.thisUpdateMs <= nowMs && nowMs <= (list.nextUpdateMs ?? Number.POSITIVE_INFINITY);
      if (isFresh) answer = 'good';
      else if (answer !== 'good') answer = 'stale';
    }
    return answer;
  }

  #isSignedBy(list: Crl, publicKey: Uint8Array): boolean {
    const known = this.#verified.get(list) ?? new Map<string, boolean>();
    this.#verified.set(list, known);
    const key = hex(publicKey);
    let result = known.get(key);
    if (result === undefined) {
      result = isSignedBy(list.signed, publicKey);
      // why: a list has one issuer, but several certificates may bear its name.
      if (known.size < 16) known.set(key, result);
    }
    return result;
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}
