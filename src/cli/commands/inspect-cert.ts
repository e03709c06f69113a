/** `sallyport inspect cert`: what a policy can ask about certificates, in the words it asks in. */

import { readFileSync } from 'node:fs';
import { type CertificateAttributes, readAttributes } from '../../identity/attributes.ts';
import { certificatesIn } from '../../identity/trust.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format } from '../output.ts';

const DAY_MS = 86_400_000;

/** @param file PEM with certificates one after the other, or one in DER. Exit code 1 when one of them cannot be read. */
export function inspectCertificates(file: string, format: Format | undefined): number {
  const certificates = certificatesIn(read(file));
  if (certificates.length === 0) throw new CliError(`${file} holds no certificate`, EXIT.problem);
  let code: number = EXIT.ok;
  for (const der of certificates) {
    const attributes = readAttributes(der);
    if ('problem' in attributes) code = EXIT.problem;
    const facts = 'problem' in attributes ? { error: attributes.problem } : factsOf(attributes, Date.now());
    process.stdout.write(
      chooseFormat(format) === 'json' ? `${JSON.stringify(facts)}\n` : `${lines(facts)}\n`,
    );
  }
  return code;
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`, EXIT.problem);
  }
}

/** Durations in whole days, as policies write them. */
function factsOf(attributes: CertificateAttributes, nowMs: number): Record<string, unknown> {
  const { notBeforeMs, notAfterMs } = attributes;
  const days = (ms: number): string => `${Math.trunc(ms / DAY_MS)}d`;
  return {
    'cert.fingerprint': attributes.fingerprint,
    'cert.subject': attributes.subject,
    'cert.issuer': attributes.issuer,
    'cert.serial': attributes.serial,
    'cert.key': attributes.key,
    'cert.sigalg': attributes.sigalg,
    'cert.eku': attributes.eku,
    'cert.san_dns': attributes.sanDns,
    'cert.san_uri': attributes.sanUri,
    'cert.spiffe': attributes.spiffe,
    'cert.lifetime': days(notAfterMs - notBeforeMs),
    'cert.age': days(nowMs - notBeforeMs),
    'cert.remaining': days(notAfterMs - nowMs),
    not_before: new Date(notBeforeMs).toISOString(),
    not_after: new Date(notAfterMs).toISOString(),
  };
}

function lines(facts: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(facts).map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(', ') : value;
    return `${name.padEnd(16)} ${text === null || text === '' ? '–' : text}\n`;
  });
  return rows.join('');
}
