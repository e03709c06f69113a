/** Signatures of certificate revocation lists and OCSP responses, checked with the issuer's key. */
import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { childrenOf, DerError, type Element, elementAt, expect, oidOf, TAG } from './der.ts';

/** Hash by signature algorithm (RFC 3279, 4055, 5758, 8410); null: the key says it. SHA-1 and MD5 are not among them. */
const ALGORITHMS: Readonly<Record<string, string | null>> = {
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': null,
  '1.3.101.113': null,
  '2.16.840.1.101.3.4.3.17': null,
  '2.16.840.1.101.3.4.3.18': null,
  '2.16.840.1.101.3.4.3.19': null,
};
const PSS = '1.2.840.113549.1.1.10';
const HASHES: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
const PSS_HASH = 0xa0;

export interface Signed {
  /** What is signed. */
  readonly body: Uint8Array;
  /** DER of the AlgorithmIdentifier. */
  readonly algorithm: Uint8Array;
  readonly signature: Uint8Array;
}

/**
 * The parts of SIGNED{…} (RFC 5280 section 4.1.1): what is signed, the algorithm, the signature.
 * @returns also the element that is signed. @throws DerError
 */
export function signedOf(
  bytes: Uint8Array,
  at: Element,
): { readonly signed: Signed; readonly body: Element; readonly end: number } {
  const body = expect(bytes, at.start, at.end, TAG.sequence);
  const algorithm = expect(bytes, body.end, at.end, TAG.sequence);
  const signature = expect(bytes, algorithm.end, at.end, TAG.bitString);
  if (bytes[signature.start] !== 0) throw new DerError('a signature with unused bits');
  const signed = {
    body: bytes.subarray(body.at, body.end),
    algorithm: bytes.subarray(algorithm.at, algorithm.end),
    signature: bytes.subarray(signature.start + 1, signature.end),
  };
  return { signed, body, end: signature.end };
}

/** Does the signature verify under the key? False also for algorithms that are too weak or not known. */
export function isSignedBy({ body, algorithm, signature }: Signed, publicKey: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' });
    const hash = hashOf(algorithm);
    if (hash === undefined) return false;
    const options = isPss(algorithm)
      ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      : key;
    // why: a body may lie in memory that threads share, which Node's crypto does not take.
    return verify(hash, Buffer.from(body), options as KeyObject, Buffer.from(signature));
  } catch {
    return false;
  }
}

function isPss(algorithm: Uint8Array): boolean {
  return oidOf(algorithm, elementAt(algorithm, elementAt(algorithm, 0).start)) === PSS;
}

/** Undefined for an algorithm that is not accepted. @throws DerError */
function hashOf(algorithm: Uint8Array): string | null | undefined {
  const [name, parameters] = [...childrenOf(algorithm, elementAt(algorithm, 0))];
  const oid = oidOf(algorithm, name!);
  if (oid !== PSS) return ALGORITHMS[oid];
  if (parameters === undefined) return undefined;
  // RFC 4055 section 3.1: [0] is the hash, SHA-1 when it is missing.
  for (const field of childrenOf(algorithm, parameters)) {
    if (field.tag !== PSS_HASH) continue;
    const identifier = expect(algorithm, field.start, field.end, TAG.sequence);
    return HASHES[oidOf(algorithm, expect(algorithm, identifier.start, identifier.end, TAG.oid))];
  }
  return undefined;
}
