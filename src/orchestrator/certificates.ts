/** Reads the configured certificates and checks them before any client meets them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { CertificateConfig } from '../config/schema.ts';
import { fingerprintOf } from '../identity/staple.ts';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Certificate } from './certificate-choice.ts';

export type Certificates = Readonly<Record<string, Certificate>>;

export type CertificatesResult =
  | { readonly ok: true; readonly certificates: Certificates; readonly diagnostics: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] };

/** Days left at which an operator is told that a certificate will expire. */
const EXPIRY_WARNING_DAYS = 14;
const DAY_MS = 86_400_000;

function read(file: string, what: string, problems: Diagnostic[]): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    const help =
      reason === 'EACCES'
        ? 'let the user that runs sallyport read the file'
        : 'check the path under certificates in the configuration';
    problems.push(fileProblem(file, 'CERT-001', `the ${what} cannot be read (${reason})`, help));
    return null;
  }
}

/** DNS names and addresses of the subject alternative name extension, lower case (RFC 6125 6.4). */
function names(leaf: X509Certificate): string[] {
  const entries = leaf.subjectAltName?.split(', ') ?? [];
  return entries.flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1]?.toLowerCase() ?? []);
}

function parseLeaf(pem: string, file: string, problems: Diagnostic[]): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    problems.push(
      fileProblem(
        file,
        'CERT-002',
        'the file holds no PEM certificate',
        'write the chain in PEM, leaf first',
      ),
    );
    return null;
  }
}

function checkKey(leaf: X509Certificate, pem: string, file: string, problems: Diagnostic[]): void {
  try {
    if (leaf.checkPrivateKey(createPrivateKey(pem))) return;
    problems.push(
      fileProblem(
        file,
        'CERT-004',
        'the key does not belong to the certificate',
        'use the key the certificate was issued for',
      ),
    );
  } catch {
    problems.push(
      fileProblem(
        file,
        'CERT-003',
        'the file holds no usable PEM private key',
        'write an unencrypted PEM private key',
      ),
    );
  }
}

function checkDates(leaf: X509Certificate, file: string, nowMs: number, problems: Diagnostic[]): void {
  const days = Math.floor((leaf.validToDate.getTime() - nowMs) / DAY_MS);
  if (days >= EXPIRY_WARNING_DAYS) return;
  const message =
    days < 0 ? `the certificate expired on ${leaf.validTo}` : `the certificate expires in ${days} days`;
  problems.push(fileProblem(file, 'CERT-005', message, 'renew it, then reload', 'warning'));
}

/** One named certificate, or null with its problems in `problems`. */
function load(
  name: string,
  config: CertificateConfig,
  nowMs: number,
  problems: Diagnostic[],
): Certificate | null {
  const cert = read(config.certificate, `certificate "${name}"`, problems);
  const key = read(config.key, `key of certificate "${name}"`, problems);
  const leaf = cert === null ? null : parseLeaf(cert, config.certificate, problems);
  if (leaf === null || key === null || cert === null) return null;
  checkKey(leaf, key, config.key, problems);
  checkDates(leaf, config.certificate, nowMs, problems);
  return {
    name,
    cert,
    key,
    fingerprint: fingerprintOf(leaf.raw),
    names: names(leaf),
    keyType: leaf.publicKey.asymmetricKeyType ?? '',
  };
}

/** Reads all of them; one that cannot serve makes the whole result an error. */
export function loadCertificates(
  configured: Readonly<Record<string, CertificateConfig>>,
  nowMs: number = Date.now(),
): CertificatesResult {
  const diagnostics: Diagnostic[] = [];
  const certificates: Record<string, Certificate> = {};
  for (const [name, config] of Object.entries(configured)) {
    const certificate = load(name, config, nowMs, diagnostics);
    if (certificate) certificates[name] = certificate;
  }
  if (diagnostics.some((entry) => entry.severity === 'error')) return { ok: false, diagnostics };
  return { ok: true, certificates, diagnostics };
}
