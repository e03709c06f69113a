/** Which of a listener's certificates may serve a client: by the name it asks for. */

export interface Certificate {
  readonly name: string;
  /** PEM chain, leaf first. */
  readonly cert: string;
  /** PEM private key. */
  readonly key: string;
  /** `fingerprintOf` the leaf. */
  readonly fingerprint: string;
  /** Lower-case DNS names and `*.` wildcards of the leaf. */
  readonly names: readonly string[];
  /** As Node names it: `ec`, `rsa`, `ed25519`. */
  readonly keyType: string;
}

/**
 * The certificates whose names cover `sni`, exact ones before wildcards, else those of the listener's first; one for
 * each type of key, in the listener's order. OpenSSL takes the one whose signatures the client can verify.
 */
export function chooseCertificates(certificates: readonly Certificate[], sni: string | null): Certificate[] {
  const covering = (name: string): Certificate[] => certificates.filter(({ names }) => names.includes(name));
  let found: Certificate[] = [];
  if (sni !== null) {
    found = covering(sni);
    if (found.length === 0) found = covering(`*${sni.slice(sni.indexOf('.'))}`);
  }
  if (found.length === 0) {
    const first = certificates[0]!;
    found = first.names.length === 0 ? [first] : [first, ...covering(first.names[0]!)];
  }
  return found.filter((one, i) => found.findIndex(({ keyType }) => keyType === one.keyType) === i);
}
