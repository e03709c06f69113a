/** OCSP (RFC 6960): what is asked about a certificate, and what an answer is worth. No nonce: answers are kept. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto';
import type { CertificateParts } from './certificate-parts.ts';
import { childrenOf, DerError, type Element, elementAt, expect, oidOf, TAG, timeOf, whole } from './der.ts';
import { isSignedBy, signedOf } from './signature.ts';

/** Clocks of responders may differ from ours by so much. */
const SKEW_MS = 5 * 60_000;
/** How old an answer may be that does not say when the next one comes. */
const AGE_WITHOUT_NEXT_MS = 3_600_000;
/** Certificates in an answer that are tried as its signer's. */
const MOST_SIGNERS = 3;
const BASIC = '1.3.6.1.5.5.7.48.1.1';
const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9';
const STATUS: Readonly<Record<number, 'good' | 'revoked' | 'unknown'>> = {
  128: 'good',
  161: 'revoked',
  130: 'unknown',
};
const SUCCESSFUL = 0;
/** AlgorithmIdentifier of SHA-1, which identifies and protects nothing here; every responder knows it. */
const SHA1 = Uint8Array.of(0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00);
const EXPLICIT_0 = 0xa0;

/** What an answer says; it was right at `fromMs`, and can no longer be used at `untilMs`. */
export interface OcspAnswer {
  readonly status: 'good' | 'revoked' | 'unknown';
  readonly fromMs: number;
  readonly untilMs: number;
}

function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.from(header), content]);
}

function sha1(bytes: Uint8Array): Buffer {
  return createHash('sha1').update(bytes).digest();
}

/** DER of the CertID of a certificate (RFC 6960 section 4.1.1). */
export function certIdOf(certificate: CertificateParts, issuer: CertificateParts): Uint8Array {
  return encode(
    TAG.sequence,
    SHA1,
    encode(TAG.octetString, sha1(issuer.subject)),
    encode(TAG.octetString, sha1(issuer.keyBits)),
    encode(TAG.integer, certificate.serial),
  );
}

/** DER of a request about one certificate. */
export function ocspRequest(certId: Uint8Array): Uint8Array {
  const list = encode(TAG.sequence, encode(TAG.sequence, certId));
  return encode(TAG.sequence, encode(TAG.sequence, list));
}

/**
 * What a response says of a certificate. It must be signed by the certificate's issuer or by whom the issuer
 * certified for that, and be of today. @throws DerError that says what is wrong with it.
 */
export function readOcspResponse(
  bytes: Uint8Array,
  certId: Uint8Array,
  issuer: { readonly der: Uint8Array; readonly parts: CertificateParts },
  nowMs: number,
): OcspAnswer {
  const response = expect(bytes, 0, bytes.length, TAG.sequence);
  const status = expect(bytes, response.start, response.end, TAG.enumerated);
  if (bytes[status.start] !== SUCCESSFUL)
    throw new DerError(`the responder answers with error ${bytes[status.start]}`);
  const holder = expect(bytes, status.end, response.end, EXPLICIT_0);
  const typed = expect(bytes, holder.start, holder.end, TAG.sequence);
  const type = expect(bytes, typed.start, typed.end, TAG.oid);
  if (oidOf(bytes, type) !== BASIC) throw new DerError('a response of another type than basic');
  const octets = expect(bytes, type.end, typed.end, TAG.octetString);
  const basic = expect(bytes, octets.start, octets.end, TAG.sequence);
  const { signed, body, end } = signedOf(bytes, basic);
  const isGenuine =
    isSignedBy(signed, issuer.parts.publicKey) ||
    signers(bytes, end, basic.end, issuer.der, nowMs).some((key) => isSignedBy(signed, key));
  if (!isGenuine) throw new DerError('the response is not signed by the issuer or its responder');
  return answerIn(bytes, body, certId, nowMs);
}

/** DER of the keys of those certificates in a response that the issuer entitles to answer (RFC 6960 section 4.2.2.2). */
function signers(
  bytes: Uint8Array,
  at: number,
  end: number,
  issuerDer: Uint8Array,
  nowMs: number,
): Uint8Array[] {
  if (at >= end) return [];
  const holder = expect(bytes, at, end, EXPLICIT_0);
  const issuer = new X509Certificate(issuerDer);
  const keys: Uint8Array[] = [];
  let tried = 0;
  for (const element of childrenOf(bytes, expect(bytes, holder.start, holder.end, TAG.sequence))) {
    if (++tried > MOST_SIGNERS) break;
    const key = entitled(whole(bytes, element), issuer, nowMs);
    if (key !== null) keys.push(key);
  }
  return keys;
}

function entitled(der: Uint8Array, issuer: X509Certificate, nowMs: number): Uint8Array | null {
  try {
    const signer = new X509Certificate(der);
    const isValid = signer.validFromDate.getTime() <= nowMs && nowMs <= signer.validToDate.getTime();
    const isMeant = (signer.keyUsage ?? []).includes(OCSP_SIGNING);
    if (!isValid || !isMeant || !signer.checkIssued(issuer) || !signer.verify(issuer.publicKey)) return null;
    return createPublicKey(signer.toString()).export({ type: 'spki', format: 'der' });
  } catch {
    return null;
  }
}

function answerIn(bytes: Uint8Array, body: Element, certId: Uint8Array, nowMs: number): OcspAnswer {
  const responses = [...childrenOf(bytes, body)].find(({ tag }) => tag === TAG.sequence);
  if (responses === undefined) throw new DerError('a response without answers');
  for (const single of childrenOf(bytes, responses)) {
    const id = elementAt(bytes, single.start, single.end);
    if (Buffer.compare(whole(bytes, id), certId) !== 0) continue;
    const state = elementAt(bytes, id.end, single.end);
    const status = STATUS[state.tag];
    if (status === undefined) throw new DerError('an answer that is none');
    const thisUpdate = elementAt(bytes, state.end, single.end);
    const thisUpdateMs = timeOf(bytes, thisUpdate);
    const next = thisUpdate.end < single.end ? elementAt(bytes, thisUpdate.end, single.end) : null;
    const nextUpdateMs =
      next?.tag === EXPLICIT_0
        ? timeOf(bytes, elementAt(bytes, next.start, next.end))
        : thisUpdateMs + AGE_WITHOUT_NEXT_MS;
    if (thisUpdateMs > nowMs + SKEW_MS) throw new DerError('an answer from the future');
    if (nextUpdateMs < nowMs - SKEW_MS) throw new DerError('an answer that is out of date');
    return { status, fromMs: thisUpdateMs, untilMs: nextUpdateMs };
  }
  throw new DerError('no answer about this certificate');
}
