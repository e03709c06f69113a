/** What came of a handshake, in numbers and by name. */
import { CIPHER_NAMES, GROUP_NAMES } from '../pdl/registry/iana.ts';

const VERSION_NAMES: Readonly<Record<number, string>> = {
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

/** What came of a handshake; versions and code points as on the wire. */
export interface Negotiated {
  readonly version: number;
  /** Null when it is not known. */
  readonly cipher: number | null;
  /** Null when none was agreed on, or it is not known. */
  readonly group: number | null;
  /** As OpenSSL read it. */
  readonly serverName: string | null;
  readonly alpn: string | null;
  readonly resumed: boolean;
  /** The kind of certificate that the server proved to hold; null when it proved none, or it is not known. */
  readonly certificate: 'ecdsa' | 'rsa' | 'eddsa' | null;
}

/** The same by name; IANA's, and OpenSSL's for versions. */
export interface NegotiatedNames {
  readonly version: string;
  readonly cipher: string;
  readonly group: string | null;
  readonly resumed: boolean;
  readonly alpn: string | null;
  readonly certificate: Negotiated['certificate'];
}

export function nameNegotiated(negotiated: Negotiated): NegotiatedNames {
  const { version, cipher, group, resumed, alpn, certificate } = negotiated;
  return {
    version: VERSION_NAMES[version] ?? hex(version),
    cipher: cipher === null ? '' : (CIPHER_NAMES.get(cipher) ?? hex(cipher)),
    group: group === null ? null : (GROUP_NAMES.get(group) ?? hex(group)),
    resumed,
    alpn,
    certificate,
  };
}

/** A code point as it is written in registries. */
export function hex(code: number): string {
  return `0x${code.toString(16).padStart(4, '0')}`;
}
