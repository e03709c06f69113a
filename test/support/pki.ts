/** Certificates made for tests: authorities, client certificates of every kind, and revocation lists. EC keys, made once. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
export const DAY_MS = 86_400_000;
type Keys = Awaited<ReturnType<typeof generateKeys>>;

x509.cryptoProvider.set(webcrypto as Crypto);

/** @param algorithm WebCrypto's, P-256 by default. */
export function generateKeys(algorithm: object = P256): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm as typeof P256, true, [
    'sign',
    'verify',
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

export interface Issued {
  readonly certificate: x509.X509Certificate;
  readonly keys: Keys;
  readonly algorithm: object;
  readonly pem: string;
}

export interface CertificateOptions {
  readonly subject?: string;
  /** Milliseconds from now. */
  readonly from?: number;
  readonly to?: number;
  readonly keys?: Keys;
  readonly algorithm?: object;
  /** Basic constraints of an authority: most authorities below it. */
  readonly pathLength?: number;
  readonly extensions?: readonly x509.Extension[];
  readonly serial?: string;
}

function hexSerial(): string {
  return `4${randomBytes(15).toString('hex').slice(1)}`;
}

async function build(
  issuer: Issued | null,
  isAuthority: boolean,
  options: CertificateOptions,
): Promise<Issued> {
  const algorithm = options.algorithm ?? P256;
  const keys = options.keys ?? (await generateKeys(algorithm));
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: options.serial ?? hexSerial(),
    subject: options.subject ?? 'CN=client',
    issuer: issuer?.certificate.subject ?? options.subject ?? 'CN=client',
    notBefore: new Date(now + (options.from ?? -DAY_MS)),
    notAfter: new Date(now + (options.to ?? 30 * DAY_MS)),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: { ...P256, ...(issuer?.algorithm ?? algorithm) } as typeof P256,
    extensions: [
      new x509.BasicConstraintsExtension(isAuthority, options.pathLength, true),
      ...(isAuthority
        ? [new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true)]
        : []),
      ...(options.extensions ?? []),
    ],
  } as Parameters<typeof x509.X509CertificateGenerator.create>[0]);
  return { certificate, keys, algorithm, pem: `${certificate.toString('pem')}\n` };
}

/** A root, or with an issuer an intermediate authority. */
export function authority(
  subject: string,
  issuer: Issued | null = null,
  options: CertificateOptions = {},
): Promise<Issued> {
  return build(issuer, true, { ...options, subject });
}

/** A client certificate; for `client_auth` unless its extensions say otherwise. Null: signed by itself. */
export function client(issuer: Issued | null, options: CertificateOptions = {}): Promise<Issued> {
  return build(issuer, false, { extensions: [CLIENT_AUTH], ...options });
}

export const CLIENT_AUTH: x509.Extension = new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.2']);
export const SERVER_AUTH: x509.Extension = new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']);
export const OCSP_SIGNING: x509.Extension = new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.9']);

export function names(
  ...list: readonly (readonly [type: 'dns' | 'url' | 'email', value: string])[]
): x509.Extension {
  return new x509.SubjectAlternativeNameExtension(list.map(([type, value]) => ({ type, value })));
}

/** PEM of a list of revoked certificates. Times in milliseconds from now. */
export async function revocationList(
  issuer: Issued,
  revoked: readonly Issued[],
  { from = -3_600_000, to = DAY_MS, signer = issuer }: { from?: number; to?: number; signer?: Issued } = {},
): Promise<string> {
  const now = Date.now();
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.certificate.subject,
    thisUpdate: new Date(now + from),
    nextUpdate: new Date(now + to),
    signingAlgorithm: P256,
    signingKey: signer.keys.privateKey,
    entries: revoked.map(({ certificate }) => ({
      serialNumber: certificate.serialNumber,
      revocationDate: new Date(now - 1_000),
    })),
  });
  return `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`;
}

export async function keyPem({ keys }: Issued): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
}

/** TLS options of a client that sends a chain. */
export async function clientOptions(chain: readonly Issued[]): Promise<{ cert?: string; key?: string }> {
  const [leaf] = chain;
  if (leaf === undefined) return {};
  return { cert: chain.map(({ pem }) => pem).join(''), key: await keyPem(leaf) };
}
