/** What the OpenSSL in Node answers to the first bytes of a client. */
import { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { makeCertificate } from './certificate.ts';

/** `accepts` with a ServerHello, `waits` for more, `closes` without a word, or the number of its alert. */
export type OpensslAnswer = 'accepts' | 'waits' | 'closes' | `alert ${number}`;

const ALERT = 21;
const HANDSHAKE = 22;
/** Turns of the event loop after which an answer would have come. */
const TURNS = 12;

/** A server that takes everything OpenSSL can be made to take, so that what it refuses cannot be read. */
export async function permissiveContext(): Promise<SecureContext> {
  const { key, certificate } = await makeCertificate({ names: ['localhost'] });
  return createSecureContext({
    key,
    cert: certificate,
    minVersion: 'TLSv1',
    ciphers: 'ALL:COMPLEMENTOFALL:@SECLEVEL=0',
    ecdhCurve: 'X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024:X25519:P-256:P-384:P-521:X448',
    dhparam: 'auto',
  });
}

export async function askOpenssl(secureContext: SecureContext, bytes: Uint8Array): Promise<OpensslAnswer> {
  const written: Buffer[] = [];
  const transport = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk);
      done();
    },
  });
  const socket = new TLSSocket(transport, { isServer: true, secureContext });
  let failed = false;
  socket.on('error', () => {
    failed = true;
  });
  transport.on('error', () => {});
  transport.push(bytes);
  for (let turn = 0; turn < TURNS && written.length === 0 && !failed; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  socket.destroy();
  transport.destroy();
  const reply = Buffer.concat(written);
  if (reply[0] === HANDSHAKE) return 'accepts';
  if (reply[0] === ALERT) return `alert ${reply[6]!}`;
  return failed ? 'closes' : 'waits';
}
