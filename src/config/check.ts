/** Meaning: what a structurally valid configuration still gets wrong about this host. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { closest } from '../pdl/diagnostics/closest.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { parsePrefix } from '../pdl/ip.ts';
import { formatAddress, isLoopback } from './address.ts';
import type { ConfigDocument, Path } from './document.ts';
import { own } from './resolve.ts';
import type { Address, CertificateConfig, Config } from './schema.ts';

/** Findings, warnings among them. Reads certificates and keys, changes nothing. */
export function checkConfig(config: Config, document: ConfigDocument, nowMs: number): Diagnostic[] {
  const findings: Diagnostic[] = [];
  const add = (
    severity: Diagnostic['severity'],
    code: string,
    at: Path,
    message: string,
    help: string,
  ): void => {
    findings.push({ code, severity, ...document.valueAt(at), message, help });
  };
  const error = add.bind(null, 'error');

  checkReadable(config.policy, ['policy'], 'policy', error);
  if (config.p0fDb !== null) checkReadable(config.p0fDb, ['p0fDb'], 'signatures', error);
  for (const kind of ['country', 'asn'] as const) {
    const file = config.geo[kind];
    if (file !== null) checkReadable(file, ['geo', kind], `${kind} database`, error);
  }
  if (config.clientTable !== null)
    checkReadable(config.clientTable, ['clientTable'], 'table of TLS clients', error);
  config.intermediaries.forEach((text, index) => {
    if (parsePrefix(text) !== null) return;
    const help = 'write an address or a prefix, such as 198.51.100.0/24 or 2001:db8::/32';
    error(
      'CFG-V001',
      ['intermediaries', index],
      `${JSON.stringify(text)} is not an address or a prefix`,
      help,
    );
  });
  for (const [name, certificate] of Object.entries(config.certificates)) {
    checkCertificate(name, certificate, nowMs, add);
    const { issuer } = certificate.ocsp;
    if (issuer !== null) {
      checkReadable(issuer, ['certificates', name, 'ocsp', 'issuer'], 'issuer of a certificate', error);
    }
  }
  for (const [name, upstream] of Object.entries(config.upstreams)) {
    if (upstream.protocol === 'http' && upstream.ca !== null) {
      checkReadable(upstream.ca, ['upstreams', name, 'ca'], 'CA certificates', error);
    }
  }

  config.bots.keys.forEach(({ file }, index) => {
    if (file !== null) checkReadable(file, ['bots', 'keys', index, 'file'], 'keys of a crawler', error);
  });
  config.bots.ranges.forEach(({ from }, index) => {
    const at = ['bots', 'ranges', index, 'file'];
    if ('file' in from) checkReadable(from.file, at, 'ranges of a crawler', error);
  });
  if (config.feeds.ca !== null) checkReadable(config.feeds.ca, ['feeds', 'ca'], 'CA certificates', error);

  const names = new Set<string>();
  config.listeners.forEach((listener, index) => {
    const at = ['listeners', index];
    if (names.has(listener.name)) {
      error(
        'CFG-R002',
        [...at, 'name'],
        `two listeners are called \`${listener.name}\``,
        'give each its own name',
      );
    }
    names.add(listener.name);
    const { passthrough } = listener;
    if (listener.upstream !== passthrough['*']) {
      checkName(listener.upstream, 'upstream', config.upstreams, [...at, 'upstream'], error);
    }
    for (const [name, upstream] of Object.entries(passthrough)) {
      const place = [...at, 'passthrough', name];
      checkName(upstream, 'upstream', config.upstreams, place, error);
      if (own(config.upstreams, upstream)?.protocol !== 'http') continue;
      error(
        'CFG-R003',
        place,
        `\`${name}\` passes through to the http upstream \`${upstream}\``,
        'name a tcp upstream: it gets the client’s TLS, and serves the certificate',
      );
    }
    listener.certificates.forEach((name, position) => {
      checkName(name, 'certificate', config.certificates, [...at, 'certificates', position], error);
    });
  });

  checkAddresses(config, error);
  for (const key of ['admin', 'metrics'] as const) {
    const address = config[key]?.address;
    if (!address || isLoopback(address) || allowsRemote(document, key)) continue;
    error(
      'CFG-A002',
      [key, 'address'],
      `\`${key}.address\` ${formatAddress(address)} can be reached from other machines`,
      `use 127.0.0.1 or [::1], or set \`${key}.allowRemote: true\` if this is what you intend`,
    );
  }
  return findings;
}

type ReportError = (code: string, at: Path, message: string, help: string) => void;
type Report = (severity: Diagnostic['severity'], ...rest: Parameters<ReportError>) => void;

function checkAddresses(config: Config, error: ReportError): void {
  const taken = new Map<string, string>();
  const claim = (address: Address | undefined, owner: string, at: Path): void => {
    if (!address || address.port === 0) return;
    const text = formatAddress(address);
    const other = taken.get(text);
    if (other === undefined) taken.set(text, owner);
    else error('CFG-A001', at, `${text} is already taken by ${other}`, 'choose another port');
  };
  config.listeners.forEach(({ name, address }, index) => {
    claim(address, `listener \`${name}\``, ['listeners', index, 'address']);
  });
  claim(config.admin?.address, '`admin`', ['admin', 'address']);
  claim(config.metrics?.address, '`metrics`', ['metrics', 'address']);
}

function checkName(
  name: string,
  kind: string,
  table: Readonly<Record<string, unknown>>,
  at: Path,
  error: ReportError,
): void {
  if (own(table, name) !== undefined) return;
  const near = closest(name, Object.keys(table));
  error(
    'CFG-R001',
    at,
    `there is no ${kind} called \`${name}\``,
    near ? `did you mean \`${near}\`?` : `the ${kind}s are ${Object.keys(table).join(', ') || 'none'}`,
  );
}

function checkReadable(file: string, at: Path, what: string, error: ReportError): boolean {
  try {
    accessSync(file, constants.R_OK);
    if (statSync(file).isFile()) return true;
    error('CFG-F001', at, `the ${what} file ${file} is not a file`, 'name a file');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'EACCES'
          ? 'may not be read'
          : `is not readable (${code})`;
    error(
      'CFG-F001',
      at,
      `the ${what} file ${file} ${reason}`,
      'paths are relative to the configuration file',
    );
  }
  return false;
}

const SOON_MS = 7 * 86_400_000;

function checkCertificate(name: string, files: CertificateConfig, nowMs: number, report: Report): void {
  const error = report.bind(null, 'error');
  const certificateAt = ['certificates', name, 'certificate'];
  const keyAt = ['certificates', name, 'key'];
  const readable = [
    checkReadable(files.certificate, certificateAt, 'certificate', error),
    checkReadable(files.key, keyAt, 'key', error),
  ];
  if (readable.includes(false)) return;

  let certificate: X509Certificate | null = null;
  let key: KeyObject | null = null;
  try {
    certificate = new X509Certificate(readFileSync(files.certificate));
  } catch {
    error(
      'CFG-F002',
      certificateAt,
      `${files.certificate} holds no PEM certificate`,
      'the leaf comes first, then its chain',
    );
  }
  try {
    key = createPrivateKey(readFileSync(files.key));
  } catch {
    error(
      'CFG-F002',
      keyAt,
      `${files.key} holds no usable PEM private key`,
      'a key with a passphrase cannot be used',
    );
  }
  if (!certificate || !key) return;
  if (!certificate.checkPrivateKey(key)) {
    error(
      'CFG-F003',
      keyAt,
      `the key ${files.key} does not belong to the certificate ${files.certificate}`,
      'clients could not finish a handshake: name the key this certificate was issued for',
    );
  }
  const expires = Date.parse(certificate.validTo);
  if (expires <= nowMs) {
    report(
      'warning',
      'CFG-F004',
      certificateAt,
      `certificate \`${name}\` expired on ${certificate.validTo}`,
      'renew it',
    );
  } else if (expires - nowMs < SOON_MS) {
    report(
      'warning',
      'CFG-F004',
      certificateAt,
      `certificate \`${name}\` expires on ${certificate.validTo}`,
      'renew it',
    );
  }
  if ((statSync(files.key).mode & 0o004) !== 0) {
    report(
      'warning',
      'CFG-F005',
      keyAt,
      `everyone on this machine can read the key ${files.key}`,
      'chmod 600 the file',
    );
  }
}

function allowsRemote(document: ConfigDocument, key: 'admin' | 'metrics'): boolean {
  const section = (document.value as Record<string, unknown>)[key];
  return (
    typeof section === 'object' &&
    section !== null &&
    (section as Record<string, unknown>).allowRemote === true
  );
}
