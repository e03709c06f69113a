/** Which certificates policies want stapled, and where their OCSP answers come from. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateConfig } from '../config/schema.ts';
import { mustStaple, type OwnCertificate, readOwnCertificate } from '../identity/staple.ts';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import type { Certificates } from './certificates.ts';

/** A certificate whose answers are wanted. */
export interface StapledCertificate {
  /** As the configuration calls it. */
  readonly name: string;
  readonly own: OwnCertificate;
  /** A responder's URL, or a file that somebody else keeps. */
  readonly source: { readonly url: string } | { readonly file: string };
}

export interface Stapling {
  readonly certificates: readonly StapledCertificate[];
  /** Warnings about those that will be served without an answer. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Of certificates that were read and are fit to serve. */
export function staplingOf(
  { policies }: Program,
  certificates: Certificates,
  configured: Readonly<Record<string, CertificateConfig>>,
): Stapling {
  const stapling = policies.filter(({ tls }) => tls.ocspStapling).map(({ tls }) => tls.certificate);
  const isStapled = (name: string): boolean => stapling.includes(null) || stapling.includes(name);
  const found = new Map<string, StapledCertificate>();
  const diagnostics: Diagnostic[] = [];
  for (const [name, { cert }] of Object.entries(certificates)) {
    const config = configured[name]!;
    if (!isStapled(name)) {
      if (mustStaple(new X509Certificate(cert).raw)) diagnostics.push(unstapled(config));
      continue;
    }
    try {
      const own = readOwnCertificate(cert, config.ocsp.issuer && readFileSync(config.ocsp.issuer, 'utf8'));
      found.set(own.fingerprint, { name, own, source: sourceOf(config, own) });
    } catch (error) {
      diagnostics.push(unanswered(config, error as Error));
    }
  }
  return { certificates: [...found.values()], diagnostics };
}

/** @throws Error when there is none. */
function sourceOf({ ocsp }: CertificateConfig, { responder }: OwnCertificate): StapledCertificate['source'] {
  if (ocsp.file !== null) return { file: ocsp.file };
  const url = ocsp.responder ?? responder;
  if (url === null) throw new Error('it names no OCSP responder');
  if (!/^https?:\/\//.test(url)) throw new Error(`its OCSP responder is not asked over HTTP: ${url}`);
  return { url };
}

function unstapled({ certificate }: CertificateConfig): Diagnostic {
  return fileProblem(
    certificate,
    'CERT-006',
    'clients take the certificate only with a stapled OCSP answer, and no policy that serves it staples one',
    'write `ocsp_stapling on` in the policies’ tls',
    'warning',
  );
}

function unanswered({ certificate }: CertificateConfig, { message }: Error): Diagnostic {
  return fileProblem(
    certificate,
    'CERT-007',
    `no OCSP answer about the certificate can be had: ${message}`,
    'write the issuer into the chain or as ocsp.issuer, the responder as ocsp.responder, or keep answers in ocsp.file',
    'warning',
  );
}
