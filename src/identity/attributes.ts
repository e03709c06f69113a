/** What a client's certificate says of itself, in the terms of the policy language. */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { JsonGeneralNames, X509Certificate } from '@peculiar/x509';
import { nameText } from './distinguished-name.ts';

export interface CertificateAttributes {
  /** SHA-256 of the certificate, lower-case hex. */
  readonly fingerprint: string;
  /** Lower-case hex without leading zeros. */
  readonly serial: string;
  /** As RFC 4514 writes names. */
  readonly subject: string;
  readonly issuer: string;
  /** Milliseconds since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `rsa_2048`, `ec_p256`, `ed25519`…; null for kinds the language has no name for. */
  readonly key: string | null;
  /** IANA's name of the signature scheme of the certificate, as near as it tells; null for others. */
  readonly sigalg: string | null;
  /** Purposes: names of the language, else the dotted identifier. */
  readonly eku: readonly string[];
  /** Lower-case names, wildcards included. */
  readonly sanDns: readonly string[];
  readonly sanUri: readonly string[];
  /** SPIFFE ID, when the certificate is an X.509-SVID. */
  readonly spiffe: string | null;
}

/** Bytes of all names of one certificate: they must find room in the decision core, beside the facts of a request. */
const MAX_NAME_BYTES: number = 6 * 1024;
/** Names of one certificate; one with more is not read at all, since a name that is left out would hide. */
export const MAX_NAMES = 256;
/** Characters of a name of the subject alternative names that is a fact by itself. */
const MAX_NAME_CHARACTERS = 255;
const MAX_SPIFFE_CHARACTERS = 2048;

const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'ec_p256',
  'P-384': 'ec_p384',
  'P-521': 'ec_p521',
};
const PURPOSES: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'any',
  '1.3.6.1.5.5.7.3.1': 'server_auth',
  '1.3.6.1.5.5.7.3.2': 'client_auth',
  '1.3.6.1.5.5.7.3.3': 'code_signing',
  '1.3.6.1.5.5.7.3.4': 'email_protection',
  '1.3.6.1.5.5.7.3.8': 'time_stamping',
  '1.3.6.1.5.5.7.3.9': 'ocsp_signing',
};
const ALTERNATIVE_NAMES = '2.5.29.17';
const EXTENDED_KEY_USAGE = '2.5.29.37';
const HOST = /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;
/** SPIFFE-ID 1.0 section 2: a trust domain and a path without empty or relative parts. */
const SPIFFE = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;

interface KeyAlgorithm {
  readonly name: string;
  readonly modulusLength?: number;
  readonly namedCurve?: string;
}

interface SignatureAlgorithm {
  readonly name: string;
  readonly hash?: { readonly name: string };
}

type Library = typeof import('@peculiar/x509');
let library: Library | null = null;

/** why: it takes a fifth of a second and some megabytes, which a worker without client certificates saves. */
function peculiar(): Library {
  if (library === null) {
    const require = createRequire(import.meta.url);
    require('reflect-metadata');
    library = require('@peculiar/x509') as Library;
  }
  return library;
}

/** Loads the library ahead of the first certificate. */
export function prepareAttributes(): void {
  peculiar();
}

/** The attributes of a certificate, or what makes it unreadable. Never throws. @param der At most MAX_CERTIFICATE_BYTES. */
export function readAttributes(der: Uint8Array): CertificateAttributes | { readonly problem: string } {
  try {
    const certificate = new (peculiar().X509Certificate)(Buffer.from(der));
    return attributesOf(certificate, der);
  } catch (error) {
    return { problem: error instanceof UnreadableError ? error.message : 'it cannot be read' };
  }
}

class UnreadableError extends Error {}

function attributesOf(certificate: X509Certificate, der: Uint8Array): CertificateAttributes {
  const types = certificate.extensions.map(({ type }) => type);
  if (new Set(types).size < types.length) throw new UnreadableError('it has an extension twice');
  const names = alternativeNames(certificate);
  const of = (type: string): string[] => names.filter((name) => name.type === type).map(({ value }) => value);
  const sanUri = of('url');
  const subject = nameText(certificate.subjectName.toJSON());
  const issuer = nameText(certificate.issuerName.toJSON());
  const bytes = [subject, issuer, ...names.map(({ value }) => value)].reduce(
    (sum, text) => sum + Buffer.byteLength(text),
    0,
  );
  if (bytes > MAX_NAME_BYTES) throw new UnreadableError(`its names are longer than ${MAX_NAME_BYTES} bytes`);
  return {
    fingerprint: createHash('sha256').update(der).digest('hex'),
    serial: certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, ''),
    subject,
    issuer,
    notBeforeMs: certificate.notBefore.getTime(),
    notAfterMs: certificate.notAfter.getTime(),
    key: keyType(certificate.publicKey.algorithm as KeyAlgorithm),
    sigalg: signatureScheme(certificate.signatureAlgorithm as SignatureAlgorithm),
    eku: purposesOf(certificate),
    sanDns: of('dns').map(hostName),
    sanUri,
    spiffe: spiffeOf(sanUri),
  };
}

function alternativeNames(certificate: X509Certificate): JsonGeneralNames {
  const { SubjectAlternativeNameExtension } = peculiar();
  const extension = certificate.extensions.find(({ type }) => type === ALTERNATIVE_NAMES);
  if (extension === undefined) return [];
  const names = new SubjectAlternativeNameExtension(extension.rawData).names.toJSON();
  if (names.length > MAX_NAMES) throw new UnreadableError(`it has more than ${MAX_NAMES} alternative names`);
  for (const { type, value } of names) {
    // why: what a name with a NUL or a space in it matches depends on who reads it.
    if ((type === 'url' || type === 'dns') && !PRINTABLE_ASCII.test(value)) {
      throw new UnreadableError('an alternative name holds a character that names do not have');
    }
  }
  return names;
}

function hostName(value: string): string {
  const name = value.toLowerCase().replace(/\.$/, '');
  if (name.length > MAX_NAME_CHARACTERS || !HOST.test(name))
    throw new UnreadableError('an alternative name is no host name');
  return name;
}

/** Only a certificate with exactly one URI is an X.509-SVID (X509-SVID section 2). */
function spiffeOf(uris: readonly string[]): string | null {
  const [uri] = uris;
  if (uris.length !== 1 || uri === undefined || uri.length > MAX_SPIFFE_CHARACTERS) return null;
  return SPIFFE.test(uri) ? uri : null;
}

function purposesOf(certificate: X509Certificate): string[] {
  const { ExtendedKeyUsageExtension } = peculiar();
  const extension = certificate.extensions.find(({ type }) => type === EXTENDED_KEY_USAGE);
  if (extension === undefined) return [];
  return [...new ExtendedKeyUsageExtension(extension.rawData).usages]
    .map((usage) => PURPOSES[String(usage)] ?? String(usage))
    .slice(0, MAX_NAMES);
}

function keyType(algorithm: KeyAlgorithm): string | null {
  if (algorithm.modulusLength !== undefined) return `rsa_${algorithm.modulusLength}`;
  if (algorithm.namedCurve !== undefined && CURVES[algorithm.namedCurve])
    return CURVES[algorithm.namedCurve]!;
  const name = algorithm.name.toLowerCase();
  return name === 'ed25519' || name === 'ed448' ? name : null;
}

/** A certificate names no curve in its signature: ECDSA schemes are told by their hash, as in TLS 1.2. */
function signatureScheme({ name, hash }: SignatureAlgorithm): string | null {
  const bits = /^SHA-(1|256|384|512)$/.exec(hash?.name ?? '')?.[1];
  switch (name) {
    case 'RSASSA-PKCS1-v1_5':
      return bits === undefined ? null : `rsa_pkcs1_sha${bits}`;
    case 'RSA-PSS':
      return bits === undefined || bits === '1' ? null : `rsa_pss_rsae_sha${bits}`;
    case 'ECDSA':
      if (bits === '1') return 'ecdsa_sha1';
      return bits === undefined ? null : `ecdsa_secp${bits === '512' ? '521' : bits}r1_sha${bits}`;
    case 'Ed25519':
    case 'Ed448':
      return name.toLowerCase();
    case 'ML-DSA-44':
    case 'ML-DSA-65':
    case 'ML-DSA-87':
      return `mldsa${name.slice(-2)}`;
    default:
      return null;
  }
}
