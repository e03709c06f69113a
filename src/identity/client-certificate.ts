/** What is known of the certificate that a client showed, or that it showed none. */
import { type CertificateAttributes, readAttributes } from './attributes.ts';
import { type CertificateParts, partsOf } from './certificate-parts.ts';
import { MAX_REMEMBERED } from './limits.ts';
import type { Trust } from './trust.ts';
import { alertForError } from './verify-error.ts';

/** A certificate of a verified chain. */
export interface ChainLink {
  readonly der: Uint8Array;
  readonly parts: CertificateParts;
}

export interface ClientCertificate {
  readonly present: boolean;
  /** Its chain leads to the trust list; nothing below is known of one that does not. */
  readonly verified: boolean;
  /** Why it was not verified, and the alert for it. */
  readonly failure: { readonly reason: string; readonly alert: string } | null;
  readonly attributes: CertificateAttributes | null;
  /** Leaf first. */
  readonly chain: readonly ChainLink[];
  /** Name of the `ca` that the chain leads to. */
  readonly ca: string | null;
}

export const NO_CERTIFICATE: ClientCertificate = {
  present: false,
  verified: false,
  failure: null,
  attributes: null,
  chain: [],
  ca: null,
};

function unverified(reason: string, alert: string): ClientCertificate {
  return { ...NO_CERTIFICATE, present: true, failure: { reason, alert } };
}

/** Looks at certificates that OpenSSL has verified or not; remembers what it read. One for each thread. */
export class CertificateReader {
  readonly #remembered = new Map<string, CertificateAttributes>();

  /**
   * @param error OpenSSL's verification error, 0 for none, and its text.
   * @param chain DER, leaf first; as verified when there is no error.
   */
  read(
    error: number,
    text: string,
    chain: readonly Uint8Array[],
    trust: readonly Trust[],
  ): ClientCertificate {
    if (error !== 0) return unverified(`the client's certificate: ${text}`, alertForError(error));
    try {
      const links = chain.map((der) => ({ der, parts: partsOf(der) }));
      const attributes = this.#attributesOf(chain[0]!);
      if ('problem' in attributes) {
        return unverified(`the client's certificate: ${attributes.problem}`, 'bad_certificate');
      }
      const ca = trust.find(({ certificates }) => holdsAny(certificates, chain))?.name ?? null;
      return { present: true, verified: true, failure: null, attributes, chain: links, ca };
    } catch {
      return unverified("the client's certificate cannot be read", 'bad_certificate');
    }
  }

  #attributesOf(der: Uint8Array): CertificateAttributes | { readonly problem: string } {
    const key = Buffer.from(der.buffer, der.byteOffset, der.length).toString('latin1');
    const known = this.#remembered.get(key);
    if (known !== undefined) return known;
    const attributes = readAttributes(der);
    if ('problem' in attributes) return attributes;
    this.#remembered.set(key, attributes);
    if (this.#remembered.size > MAX_REMEMBERED)
      this.#remembered.delete(this.#remembered.keys().next().value!);
    return attributes;
  }
}

function holdsAny(certificates: readonly Uint8Array[], chain: readonly Uint8Array[]): boolean {
  return certificates.some((trusted) => chain.some((der) => Buffer.compare(trusted, der) === 0));
}
