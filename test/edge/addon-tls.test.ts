import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { before, describe, it } from 'node:test';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { Worker } from 'node:worker_threads';
import type { SslInfo, TlsSettings } from '../../src/edge/tls-addon.ts';
import { tlsAddon as addon, skip } from '../support/addon.ts';
import { makeCertificate, type PemPair } from '../support/certificate.ts';

let pem: PemPair;
before(async () => {
  pem = await makeCertificate({ names: ['localhost'] });
});

const makeContext = (): SecureContext => createSecureContext({ cert: pem.certificate, key: pem.key });

/** Serves one handshake to `openssl s_client`; returns what the client printed and what the server saw. */
async function handshake(options: {
  readonly context: SecureContext;
  readonly settings: TlsSettings;
  readonly args?: readonly string[];
  /** Its client gets the OCSP answers of the context. */
  readonly staples?: boolean;
}): Promise<{ printed: string; refused: string | null; info: SslInfo | null }> {
  const result: { refused: string | null; info: SslInfo | null } = { refused: null, info: null };
  const server = createServer((socket) => {
    const { made: tls, handle } = addon.captureSsl(
      () => new TLSSocket(socket, { isServer: true, secureContext: options.context }),
    );
    result.refused = addon.configureSsl(handle, options.settings);
    if (options.staples) addon.staple(handle);
    tls.on('error', () => socket.destroy());
    tls.once('secure', () => {
      result.info = addon.sslInfo(handle);
      tls.end('done');
    });
    tls.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...(options.args ?? [])]);
  let printed = '';
  client.stdout.on('data', (bytes) => {
    printed += bytes;
  });
  await once(client, 'close');
  server.close();
  return { printed, ...result };
}

const tickets = (printed: string): number => printed.split('Post-Handshake New Session Ticket').length - 1;

describe('TLS settings of the addon', {
  skip: skip || (addon === null && 'no OpenSSL was found'),
}, () => {
  it('choose suite, group and signature of one connection', async () => {
    const { printed, refused, info } = await handshake({
      context: makeContext(),
      settings: {
        cipherSuites: 'TLS_CHACHA20_POLY1305_SHA256',
        groups: 'P-384',
        sigalgs: 'ECDSA+SHA256',
      },
    });
    assert.equal(refused, null);
    assert.match(printed, /Cipher is TLS_CHACHA20_POLY1305_SHA256/);
    assert.match(printed, /Temp Key: ECDH, (secp384r1|P-384)/);
    assert.deepEqual(info, {
      version: 0x0304,
      cipher: 0x1303,
      group: 'secp384r1',
      resumed: false,
      signature: 408,
    });
  });

  it('leave the next connection of the same context as it was', async () => {
    const context = makeContext();
    await handshake({ context, settings: { cipherSuites: 'TLS_CHACHA20_POLY1305_SHA256' } });
    const { printed } = await handshake({ context, settings: {} });
    assert.match(printed, /Cipher is TLS_AES_256_GCM_SHA384/);
  });

  it('limit the versions of one connection', async () => {
    const { printed } = await handshake({
      context: makeContext(),
      settings: { maxVersion: 0x0303, cipherList: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    });
    assert.match(printed, /New, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/);
  });

  it('set the number of tickets of a connection and of a context', async () => {
    const context = makeContext();
    assert.equal(tickets((await handshake({ context, settings: {} })).printed), 2);
    assert.equal(tickets((await handshake({ context, settings: { tickets: 1 } })).printed), 1);
    const { context: without, handle } = addon.captureContext(makeContext);
    assert.equal(addon.configureContext(handle, { tickets: 0 }), null);
    assert.equal(tickets((await handshake({ context: without, settings: {} })).printed), 0);
  });

  it('name the setting that OpenSSL refused', () => {
    const { handle } = addon.captureContext(makeContext);
    assert.equal(addon.configureContext(handle, { groups: 'no-such-group' }), 'groups');
    assert.equal(addon.configureContext(handle, { cipherSuites: 'NO_SUCH_SUITE' }), 'cipherSuites');
    assert.equal(addon.configureContext(handle, { tickets: -1 }), 'tickets');
  });

  it('answer for a connection that is gone without touching its memory', async () => {
    const server = createServer((socket) => {
      const { made: tls, handle } = addon.captureSsl(
        () => new TLSSocket(socket, { isServer: true, secureContext: makeContext() }),
      );
      tls.on('error', () => {});
      tls.destroy();
      server.emit('captured', handle);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const client = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${port}`]);
    const [handle] = await once(server, 'captured');
    await once(client, 'close');
    assert.equal(addon.sslInfo(handle), null);
    assert.equal(addon.configureSsl(handle, { tickets: 0 }), 'handle');
    server.close();
  });

  it('pass on what the maker throws and capture the next object all the same', () => {
    assert.throws(
      () =>
        addon.captureContext(() => {
          throw new RangeError('no');
        }),
      RangeError,
    );
    assert.throws(() => addon.captureContext(() => ({}) as SecureContext), /no SSL_CTX was made/);
    assert.equal(addon.configureContext(addon.captureContext(makeContext).handle, { tickets: 1 }), null);
  });

  it('are captured in several threads at once, and OpenSSL works on after they ended', async () => {
    const file = new URL('../support/capture-worker.ts', import.meta.url);
    const counts = await Promise.all(
      [1, 2, 3].map(async () => {
        const worker = new Worker(file);
        const [[configured]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
        return configured;
      }),
    );
    assert.deepEqual(counts, [50, 50, 50]);
    assert.equal(addon.configureContext(addon.captureContext(makeContext).handle, { tickets: 1 }), null);
  });

  it('staple the answer about the certificate that is sent, until it ends', async () => {
    const { context, handle } = addon.captureContext(makeContext);
    const [certificate, other] = [pem, await makeCertificate({ names: ['localhost'] })].map(
      (pair) => new X509Certificate(pair.certificate).raw,
    );
    const response = Buffer.from('30030a0106', 'hex');
    const printed = async (): Promise<string> =>
      (await handshake({ context, settings: {}, args: ['-status'], staples: true })).printed;
    const staple = { certificate: certificate!, response, untilMs: Date.now() + 60_000 };
    assert.match(await printed(), /no response sent/);
    addon.setStaples(handle, [{ ...staple, certificate: other! }, staple]);
    assert.match(await printed(), /OCSP Response Status: unauthorized \(0x6\)/);
    addon.setStaples(handle, [{ ...staple, certificate: other! }]);
    assert.match(await printed(), /no response sent/);
    addon.setStaples(handle, [{ ...staple, untilMs: Date.now() }]);
    assert.match(await printed(), /no response sent/);
    assert.throws(() => addon.setStaples(handle, [{ ...staple, certificate: response }]), /no OCSP answers/);
  });

  it('cannot ask clients for OCSP answers about their certificates: OpenSSL keeps that extension to itself', () => {
    const { handle } = addon.captureContext(makeContext);
    const [statusRequest, certificateRequest] = [5, 0x4000];
    const content = Buffer.of(1, 0, 0, 0, 0);
    assert.throws(
      () => addon.addExtension(handle, statusRequest, [{ message: certificateRequest, content }]),
      /takes no extension of type 5/,
    );
  });
});
