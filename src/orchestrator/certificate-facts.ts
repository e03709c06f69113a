/** The facts of the phase `cert`. */
import type { Core } from '../core/core.ts';
import type { ClientCertificate } from '../identity/client-certificate.ts';
import { SIGALG_CODES } from '../pdl/registry/iana.ts';
import { factIndex } from './facts.ts';

const CERT = {
  present: factIndex('cert.present'),
  verified: factIndex('cert.verified'),
  ca: factIndex('cert.ca'),
  remaining: factIndex('cert.remaining'),
  age: factIndex('cert.age'),
  lifetime: factIndex('cert.lifetime'),
  key: factIndex('cert.key'),
  sigalg: factIndex('cert.sigalg'),
  eku: factIndex('cert.eku'),
  sanDns: factIndex('cert.san_dns'),
  sanUri: factIndex('cert.san_uri'),
  subject: factIndex('cert.subject'),
  issuer: factIndex('cert.issuer'),
  spiffe: factIndex('cert.spiffe'),
  fingerprint: factIndex('cert.fingerprint'),
  serial: factIndex('cert.serial'),
  depth: factIndex('cert.depth'),
  answers: factIndex('cert.answers'),
} as const;

const US_PER_MS = 1_000;
/** Longest member of a list in the decision core. */
const MAX_MEMBER = 255;

/** What a client answered to an own extension of the CertificateRequest. */
export interface ExtensionAnswer {
  readonly type: number;
  readonly content: Uint8Array;
}

function textOf({ type, content }: ExtensionAnswer): string {
  return `${type.toString(16).padStart(4, '0')}:${Buffer.from(content).toString('hex')}`;
}

/**
 * Gives the core what a client's certificate tells. Of one that is not verified nothing is believed but that it is there.
 * @param answers What came with it; null: it was not shown in this handshake.
 */
export function setCertificateFacts(
  core: Core,
  certificate: ClientCertificate,
  nowMs: number,
  answers: readonly ExtensionAnswer[] | null = null,
): void {
  const { present, verified, attributes, chain, ca } = certificate;
  core.setNumber(CERT.present, present ? 1 : 0);
  core.setNumber(CERT.verified, verified ? 1 : 0);
  if (attributes === null) return;
  const { notBeforeMs, notAfterMs, key, sigalg, spiffe } = attributes;
  core.setText(CERT.fingerprint, attributes.fingerprint);
  core.setText(CERT.serial, attributes.serial);
  core.setNumber(CERT.remaining, Math.max(0, notAfterMs - nowMs) * US_PER_MS);
  core.setNumber(CERT.age, Math.max(0, nowMs - notBeforeMs) * US_PER_MS);
  core.setNumber(CERT.lifetime, (notAfterMs - notBeforeMs) * US_PER_MS);
  core.setNumber(CERT.depth, chain.length);
  core.setText(CERT.subject, attributes.subject);
  core.setText(CERT.issuer, attributes.issuer);
  core.setStrings(CERT.eku, attributes.eku);
  core.setStrings(CERT.sanDns, attributes.sanDns);
  core.setStrings(
    CERT.sanUri,
    attributes.sanUri.filter((uri) => uri.length <= MAX_MEMBER),
  );
  if (answers !== null) {
    core.setStrings(
      CERT.answers,
      answers.map(textOf).filter((text) => text.length <= MAX_MEMBER),
    );
  }
  if (ca !== null) core.setText(CERT.ca, ca);
  if (key !== null) core.setText(CERT.key, key);
  if (spiffe !== null) core.setText(CERT.spiffe, spiffe);
  const scheme = sigalg === null ? undefined : SIGALG_CODES.get(sigalg);
  if (scheme !== undefined) core.setNumber(CERT.sigalg, scheme);
}
