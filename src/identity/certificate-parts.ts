/** The parts of a certificate that its issuer is found and its revocation asked by, as they are encoded. */
import {
  childrenOf,
  contentOf,
  DerError,
  type Element,
  elementAt,
  expect,
  oidOf,
  TAG,
  whole,
} from './der.ts';

export interface CertificateParts {
  /** Content of the serial number's INTEGER. */
  readonly serial: Uint8Array;
  /** DER of the issuer's Name. */
  readonly issuer: Uint8Array;
  /** DER of the subject's Name. */
  readonly subject: Uint8Array;
  /** DER of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Content of its subjectPublicKey, without the count of unused bits. */
  readonly keyBits: Uint8Array;
}

const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** @throws DerError when the certificate cannot be read. */
export function partsOf(der: Uint8Array): CertificateParts {
  const certificate = expect(der, 0, der.length, TAG.sequence);
  const body = expect(der, certificate.start, certificate.end, TAG.sequence);
  let at = body.start;
  const next = (tag: number): Element => {
    const element = expect(der, at, body.end, tag);
    at = element.end;
    return element;
  };
  if (elementAt(der, at, body.end).tag === VERSION) next(VERSION);
  const serial = contentOf(der, next(TAG.integer));
  next(TAG.sequence);
  const issuer = whole(der, next(TAG.sequence));
  next(TAG.sequence);
  const subject = whole(der, next(TAG.sequence));
  const publicKey = next(TAG.sequence);
  const algorithm = expect(der, publicKey.start, publicKey.end, TAG.sequence);
  const bits = expect(der, algorithm.end, publicKey.end, TAG.bitString);
  if (der[bits.start] !== 0) throw new DerError('a public key with unused bits');
  return {
    serial,
    issuer,
    subject,
    publicKey: whole(der, publicKey),
    keyBits: der.subarray(bits.start + 1, bits.end),
  };
}

/**
 * The value of a certificate's extension (RFC 5280 section 4.1), null when it has none of this type.
 * @param oid In its dotted form. @throws DerError when the certificate cannot be read.
 */
export function extensionOf(der: Uint8Array, oid: string): Uint8Array | null {
  const certificate = expect(der, 0, der.length, TAG.sequence);
  const body = expect(der, certificate.start, certificate.end, TAG.sequence);
  const holder = [...childrenOf(der, body)].find(({ tag }) => tag === EXTENSIONS);
  if (holder === undefined) return null;
  for (const extension of childrenOf(der, expect(der, holder.start, holder.end, TAG.sequence))) {
    const [type, ...rest] = childrenOf(der, extension);
    const value = rest.at(-1);
    if (type === undefined || value?.tag !== TAG.octetString)
      throw new DerError('an extension without a value');
    if (oidOf(der, type) === oid) return contentOf(der, value);
  }
  return null;
}
