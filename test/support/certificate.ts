/** A self-signed certificate for tests. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';

const ALGORITHMS = {
  ecdsa: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: Uint8Array.of(1, 0, 1),
    modulusLength: 2048,
  },
} as const;

export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

export async function makeCertificate(options: {
  readonly names: readonly string[];
  readonly notAfter?: Date;
  /** Default: ECDSA with P-256; RSA has 2048 bits. */
  readonly kind?: 'ecdsa' | 'rsa';
}): Promise<PemPair> {
  x509.cryptoProvider.set(webcrypto as Crypto);
  const algorithm = ALGORITHMS[options.kind ?? 'ecdsa'];
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${options.names[0]}`,
    notBefore: new Date('2020-01-01'),
    notAfter: options.notAfter ?? new Date(Date.now() + 30 * 86_400_000),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        options.names.map((value) => ({ type: 'dns' as const, value })),
      ),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: certificate.toString('pem'), key: x509.PemConverter.encode(pkcs8, 'PRIVATE KEY') };
}
