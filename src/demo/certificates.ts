/** A local certificate authority and a certificate for this machine, kept between runs. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { writePrivate, writePublic } from './files.ts';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const DAY_MS = 86_400_000;
const VALID_DAYS = 90;
/** A certificate with less than this left is made anew. */
const RENEW_DAYS = 20;

export interface DemoCertificates {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** Makes what is missing or about to expire; the answer holds absolute paths. */
export async function ensureCertificates(directory: string, nowMs: number): Promise<DemoCertificates> {
  const files = {
    ca: join(directory, 'ca.pem'),
    certificate: join(directory, 'localhost.pem'),
    key: join(directory, 'localhost-key.pem'),
  };
  if (isFresh(files, nowMs)) return files;
  x509.cryptoProvider.set(webcrypto as Crypto);
  const caKeys = await generateKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(nowMs),
    serialNumber: serial(),
    name: 'CN=Sallyport demo CA',
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const keys = await generateKeys();
  const leaf = await x509.X509CertificateGenerator.create({
    ...validity(nowMs),
    serialNumber: serial(),
    subject: 'CN=localhost',
    issuer: ca.subject,
    signingKey: caKeys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  // why: the authority's key is dropped: nothing else is ever to be signed by what curl was told to trust.
  writePublic(files.ca, `${ca.toString('pem')}\n`);
  writePublic(files.certificate, `${leaf.toString('pem')}\n`);
  writePrivate(files.key, `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`);
  return files;
}

function isFresh(files: DemoCertificates, nowMs: number): boolean {
  if (!Object.values(files).every((file: string) => existsSync(file))) return false;
  try {
    const leaf = new x509.X509Certificate(readFileSync(files.certificate, 'utf8'));
    return leaf.notAfter.getTime() - nowMs > RENEW_DAYS * DAY_MS;
  } catch {
    return false;
  }
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

function validity(nowMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  // why: an hour back, for clients whose clock is a little behind.
  return { notBefore: new Date(nowMs - 3_600_000), notAfter: new Date(nowMs + VALID_DAYS * DAY_MS) };
}

/** 16 random bytes in hexadecimal, positive (RFC 5280 section 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes.toString('hex');
}
