/** Trust lists and revocation lists of a policy, from their files. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { CertificateAuthority, ClientCertificate, Program } from '../pdl/ir.ts';
import { type Crl, readCrl } from './crl.ts';
import { DerError } from './der.ts';

/** One `ca` of a policy. */
export interface Trust {
  readonly name: string;
  /** DER of each certificate of its file. */
  readonly certificates: readonly Uint8Array[];
}

/** Whom client certificates must come from, and which of them are revoked. */
export interface TrustLists {
  /** By index in `Program.cas`. */
  readonly authorities: readonly Trust[];
  /** Revocation lists, by absolute path. */
  readonly crls: Readonly<Record<string, readonly Crl[]>>;
}

export const NO_TRUST: TrustLists = { authorities: [], crls: {} };

export interface LoadedTrust {
  readonly lists: TrustLists;
  /** Modification time of each file that was read. */
  readonly times: ReadonlyMap<string, number>;
  readonly diagnostics: readonly Diagnostic[];
}

const MAX_TRUST_BYTES = 4 * 1024 * 1024;
const MAX_TRUSTED = 1_024;
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;
const SEQUENCE = 0x30;

const CERTIFICATE = ['CERTIFICATE', 'TRUSTED CERTIFICATE', 'X509 CERTIFICATE'];

type Revocation = NonNullable<ClientCertificate['revocation']>;

/** Absolute path of the lists that `revocation crl "…"` names. */
export function crlPath({ declaredIn, from }: Revocation): string {
  return resolve(dirname(declaredIn), from);
}

interface Reading {
  readonly purpose: 'serve' | 'check';
  readonly nowMs: number;
  readonly times: Map<string, number>;
  readonly diagnostics: Diagnostic[];
}

/** The DER of every block with this label, or of the whole file when it is no PEM. */
function blocks(bytes: Buffer, labels: readonly string[]): Uint8Array[] {
  if (bytes[0] === SEQUENCE) return [bytes];
  const found = [...bytes.toString('latin1').matchAll(PEM)].filter(([, label]) => labels.includes(label!));
  return found.map(([, , text]) => Buffer.from(text!, 'base64'));
}

/** DER of each certificate in a file. */
export function certificatesIn(bytes: Buffer): Uint8Array[] {
  return blocks(bytes, CERTIFICATE);
}

/** Null: a check where the file is not there yet, as roots and lists often are not where policies are written. */
function read(
  path: string,
  what: string,
  limit: number,
  { purpose, times, diagnostics }: Reading,
): Buffer | null {
  try {
    const { size, mtimeMs } = statSync(path);
    times.set(path, mtimeMs);
    if (size > limit) {
      diagnostics.push(
        fileProblem(
          path,
          'TRUST-003',
          `${what} is ${size} bytes long; at most ${limit} are read`,
          'split or shorten the file',
        ),
      );
      return null;
    }
    return readFileSync(path);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    if (purpose === 'check' && reason === 'ENOENT') return null;
    diagnostics.push(
      fileProblem(
        path,
        'TRUST-001',
        `${what} cannot be read (${reason})`,
        'create the file, or correct the path in the policy',
      ),
    );
    return null;
  }
}

function loadAuthority({ name, path, declaredIn }: CertificateAuthority, reading: Reading): Trust {
  const file = resolve(dirname(declaredIn), path);
  const bytes = read(file, `ca ${name}`, MAX_TRUST_BYTES, reading);
  if (bytes === null) return { name, certificates: [] };
  const certificates = certificatesIn(bytes);
  const say = (code: string, message: string, help: string, severity?: Diagnostic['severity']): void => {
    reading.diagnostics.push(fileProblem(file, code, `ca ${name} ${message}`, help, severity));
  };
  if (certificates.length === 0)
    say('TRUST-002', 'holds no PEM certificate', 'write the roots in PEM, one after the other');
  if (certificates.length > MAX_TRUSTED)
    say(
      'TRUST-003',
      `holds ${certificates.length} certificates; at most ${MAX_TRUSTED} are trusted`,
      'remove some',
    );
  for (const [index, der] of certificates.entries()) {
    const certificate = parse(der);
    if (certificate === null)
      say('TRUST-002', `: certificate ${index + 1} cannot be read`, 'correct or remove it');
    else if (certificate.validToDate.getTime() < reading.nowMs) {
      say(
        'TRUST-004',
        `: certificate ${index + 1} (${certificate.subject.replaceAll('\n', ', ')}) has expired`,
        'replace it; nothing that it issued is trusted',
        'warning',
      );
    }
  }
  return { name, certificates };
}

function parse(der: Uint8Array): X509Certificate | null {
  try {
    return new X509Certificate(der);
  } catch {
    return null;
  }
}

function loadCrls(path: string, reading: Reading): Crl[] {
  const { diagnostics, nowMs } = reading;
  const bytes = read(path, 'the revocation list', Number.MAX_SAFE_INTEGER, reading);
  if (bytes === null) return [];
  const lists: Crl[] = [];
  const encoded = blocks(bytes, ['X509 CRL']);
  if (encoded.length === 0)
    diagnostics.push(
      fileProblem(
        path,
        'TRUST-002',
        'the file holds no revocation list',
        'write lists in PEM, or one in DER',
      ),
    );
  for (const der of encoded) {
    try {
      lists.push(readCrl(der));
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      diagnostics.push(
        fileProblem(
          path,
          'TRUST-002',
          `the revocation list cannot be used: ${error.message}`,
          'write whole lists of one issuer',
        ),
      );
    }
  }
  if (lists.some(({ nextUpdateMs }) => nextUpdateMs !== null && nextUpdateMs < nowMs)) {
    const help = 'fetch it anew; until then it tells what is revoked, and of the rest that nothing is known';
    diagnostics.push(fileProblem(path, 'TRUST-004', 'the revocation list is out of date', help, 'warning'));
  }
  return lists;
}

/** Reads what the policies of a program trust. When a policy is only checked, a file may be missing. */
export function loadTrust(program: Program, purpose: 'serve' | 'check', nowMs: number): LoadedTrust {
  const times = new Map<string, number>();
  const diagnostics: Diagnostic[] = [];
  const reading = { purpose, nowMs, times, diagnostics };
  const authorities = program.cas.map((authority) => loadAuthority(authority, reading));
  const crls: Record<string, readonly Crl[]> = {};
  for (const { clientCert } of program.policies) {
    if (clientCert?.revocation?.source !== 'crl') continue;
    const path = crlPath(clientCert.revocation);
    crls[path] ??= loadCrls(path, reading);
  }
  return { lists: { authorities, crls }, times, diagnostics };
}
