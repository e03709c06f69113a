/** OCSP answers about our own certificates: what it takes to get one, and when one may be stapled. */
import { createHash, X509Certificate } from 'node:crypto';
import { extensionOf, partsOf } from './certificate-parts.ts';
import type { ChainLink } from './client-certificate.ts';
import { childrenOf, contentOf, DerError, elementAt, oidOf, TAG } from './der.ts';
import { certIdOf, readOcspResponse } from './ocsp.ts';

/** An answer as it is sent with a certificate, and how long it may be. */
export interface Staple {
  /** DER of the certificate that it is about. */
  readonly certificate: Uint8Array;
  /** DER of the OCSPResponse. */
  readonly response: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly untilMs: number;
}

/** By `fingerprintOf` the certificate. */
export type Staples = ReadonlyMap<string, Staple>;

/** One of our own certificates, as far as its answers matter. */
export interface OwnCertificate {
  readonly fingerprint: string;
  readonly der: Uint8Array;
  readonly issuer: ChainLink;
  readonly certId: Uint8Array;
  /** Where the certificate says that one can ask about it; null: nowhere. */
  readonly responder: string | null;
  /** Clients take it only with an answer (TLS Feature, RFC 7633). */
  readonly mustStaple: boolean;
}

/** A longer answer would weigh on every handshake. */
export const MAX_STAPLE_BYTES: number = 16 * 1024;
const AUTHORITY_INFORMATION = '1.3.6.1.5.5.7.1.1';
const OCSP_METHOD = '1.3.6.1.5.5.7.48.1';
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
/** The extension `status_request` as a TLS feature. */
const STATUS_REQUEST = 5;
const URI = 0x86;

/** Lower-case hex SHA-256 of a certificate's DER. */
export function fingerprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('hex');
}

/**
 * @param pem The chain, leaf first. @param issuerPem Certificates among which the issuer may be besides; null: none.
 * @throws Error that says why nobody can be asked about it.
 */
export function readOwnCertificate(pem: string, issuerPem: string | null): OwnCertificate {
  const [leaf, ...chain] = certificatesIn(pem);
  if (leaf === undefined) throw new Error('the file holds no certificate');
  const others = [...chain, ...(issuerPem === null ? [] : certificatesIn(issuerPem))];
  const found = others.find((other) => leaf.checkIssued(other) && leaf.verify(other.publicKey));
  if (found === undefined) throw new Error('its issuer is not in the chain');
  const der = new Uint8Array(leaf.raw);
  const issuer = { der: new Uint8Array(found.raw), parts: partsOf(new Uint8Array(found.raw)) };
  return {
    fingerprint: fingerprintOf(der),
    der,
    issuer,
    certId: certIdOf(partsOf(der), issuer.parts),
    responder: responderOf(der),
    mustStaple: mustStaple(der),
  };
}

function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** The first OCSP responder of the authority information access extension (RFC 5280 section 4.2.2.1). */
function responderOf(der: Uint8Array): string | null {
  const value = extensionOf(der, AUTHORITY_INFORMATION);
  if (value === null) return null;
  for (const description of childrenOf(value, elementAt(value, 0))) {
    const [method, location] = childrenOf(value, description);
    if (method === undefined || location?.tag !== URI || oidOf(value, method) !== OCSP_METHOD) continue;
    return Buffer.from(contentOf(value, location)).toString('latin1');
  }
  return null;
}

/** Does the certificate demand a staple (RFC 7633 section 4.1)? One that cannot be read demands none. */
export function mustStaple(der: Uint8Array): boolean {
  try {
    const value = extensionOf(der, TLS_FEATURE);
    if (value === null) return false;
    return [...childrenOf(value, elementAt(value, 0))].some(
      (feature) =>
        feature.tag === TAG.integer &&
        Buffer.from(contentOf(value, feature)).equals(Buffer.of(STATUS_REQUEST)),
    );
  } catch (error) {
    if (error instanceof DerError) return false;
    throw error;
  }
}

/** An answer that was read: stapled while it is good and in time. */
export interface ReadStaple extends Staple {
  readonly status: 'good' | 'revoked' | 'unknown';
  /** When it was right. */
  readonly fromMs: number;
}

/** Reads a response about a certificate of ours. @throws Error that says why it is worth nothing. */
export function readStaple(
  response: Uint8Array,
  { certId, der, issuer }: OwnCertificate,
  nowMs: number,
): ReadStaple {
  if (response.length > MAX_STAPLE_BYTES)
    throw new Error(`the response is longer than ${MAX_STAPLE_BYTES} bytes`);
  const answer = readOcspResponse(response, certId, issuer, nowMs);
  // why: clients whose clock is right do not take what is out of date, whatever is made of skewed clocks here.
  if (answer.untilMs <= nowMs) throw new DerError('an answer that is out of date');
  return { certificate: der, response, ...answer };
}
