/** Certificates of servers for tests of stapling: issued by an authority, and answered for by a responder of it. */
import { AuthorityInfoAccessExtension, Extension } from '@peculiar/x509';
import type { PemPair } from './certificate.ts';
import { client, type Issued, keyPem, names, SERVER_AUTH } from './pki.ts';

export const RSA: object = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: Uint8Array.of(1, 0, 1),
  modulusLength: 2048,
};
/** TLS Feature with status_request (RFC 7633). */
export const MUST_STAPLE: Extension = new Extension(
  '1.3.6.1.5.5.7.1.24',
  false,
  Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0x05),
);

export interface ServerOptions {
  readonly hosts?: readonly string[];
  /** That the certificate names. */
  readonly responder?: string;
  readonly mustStaple?: boolean;
  readonly algorithm?: object;
  readonly serial?: string;
}

export function server(issuer: Issued, options: ServerOptions = {}): Promise<Issued> {
  const { hosts = ['localhost'], responder, mustStaple, algorithm, serial } = options;
  return client(issuer, {
    subject: `CN=${hosts[0]}`,
    extensions: [
      SERVER_AUTH,
      names(...hosts.map((host) => ['dns', host] as const)),
      ...(responder === undefined ? [] : [new AuthorityInfoAccessExtension({ ocsp: responder })]),
      ...(mustStaple ? [MUST_STAPLE] : []),
    ],
    ...(algorithm === undefined ? {} : { algorithm }),
    ...(serial === undefined ? {} : { serial }),
  });
}

/** As the configuration's files hold it: the chain with its issuer, and the key. */
export async function pairOf(certificate: Issued, ...chain: readonly Issued[]): Promise<PemPair> {
  return {
    certificate: [certificate, ...chain].map(({ pem }) => pem).join(''),
    key: await keyPem(certificate),
  };
}
