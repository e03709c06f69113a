/** An HTTPS server on the loopback that keeps the ClientHello of every connection, then serves it like any other. */
import { readFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { isViolation } from '../../src/core/status.ts';
import { ensureCertificates } from '../../src/demo/certificates.ts';
import { readHello } from '../../src/edge/hello-reader.ts';
import { stablePart } from '../../src/profile/stable.ts';

/** One ClientHello that came. */
export interface SeenHello {
  readonly ja4: string;
  readonly stable: string;
}

export interface CaptureListener {
  readonly port: number;
  /** PEM file of the authority that the certificate for localhost and 127.0.0.1 is from. */
  readonly ca: string;
  /** Calls back with every hello until it is called again; null: nobody listens. */
  onHello(listener: ((hello: SeenHello) => void) | null): void;
  close(): void;
}

const HELLO_BYTES = 65_536;
const HELLO_MS = 5_000;
const BODY = Buffer.from('<!doctype html><title>sallyport</title><p>hello');

/** Its certificate lies in the directory. */
export async function startListener(directory: string): Promise<CaptureListener> {
  const { ca, certificate, key } = await ensureCertificates(directory, Date.now());
  const core = new Core(loadCoreModule());
  const web = createSecureServer({
    allowHTTP1: true,
    cert: readFileSync(certificate),
    key: readFileSync(key),
    // Clients with old versions show more of their hellos when they are served.
    minVersion: 'TLSv1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  web.on('request', (_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(BODY);
  });
  web.on('tlsClientError', () => {});
  web.on('sessionError', () => {});
  web.on('clientError', (_error: Error, socket: Socket) => socket.destroy());
  let tell: ((hello: SeenHello) => void) | null = null;
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    const parse = (bytes: Uint8Array, length: number): number => {
      const status = core.parse(bytes, 0, length, 'records', 'tls');
      if (status === 0 || isViolation(status)) {
        tell?.({ ja4: core.hello.ja4, stable: stablePart(core.hello.ja4r) });
        return 0;
      }
      return status;
    };
    readHello(socket, { maxBytes: HELLO_BYTES, timeoutMs: HELLO_MS, parse }, (end) => {
      if (end === 'complete') web.emit('connection', socket);
      else socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    onHello: (listener) => {
      tell = listener;
    },
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
