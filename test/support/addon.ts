/** What the addon's tests share: the addon or the reason to skip, and small waits on sockets. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { AcceptedBatch } from '../../src/edge/accepted-batch.ts';
import { type Addon, loadAddon } from '../../src/edge/addon.ts';
import type { TlsAddon } from '../../src/edge/tls-addon.ts';

const { addon: loaded, reason } = loadAddon();

/** For a test's `skip` option. */
export const skip: string | false = loaded === null ? `no addon: ${reason}` : false;

/** Only for tests that have `skip`. */
export const addon: Addon = loaded!;
export const tlsAddon = loaded?.tls as TlsAddon;

/** A listening socket on a free port of the loopback. */
export function listen(saveSyn = true): { readonly fd: number; readonly port: number } {
  const fd = addon.listen({
    host: '127.0.0.1',
    port: 0,
    backlog: 128,
    reusePort: false,
    saveSyn,
    deferAcceptSeconds: 0,
  });
  return { fd, port: addon.boundPort(fd) };
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** Accepts one batch, hands it to `look` and closes the listener. */
export function acceptOnce<T>(fd: number, look: (batch: AcceptedBatch) => T): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const acceptor = addon.accept(
    fd,
    { batch: 16, peekBytes: 1_024 },
    (batch) => {
      resolve(look(batch));
      acceptor.close();
    },
    reject,
  );
  return promise;
}

/** Open descriptors of this process (Linux). */
export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
