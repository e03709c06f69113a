/**
 * Where connections come from without the addon: a `net.Server` per listener and worker, sharing the
 * port with SO_REUSEPORT. The SYN and the peeked hello are missing; the decisions are the same.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { parseIp } from '../orchestrator/ip.ts';
import type { Source } from './accept.ts';
import type { EdgeLoop, ListenerState } from './loop.ts';
import { SocketTransport } from './transport.ts';

/** Hands one accepted socket to the loop. A peer that is already gone has no address and is closed. */
export function acceptSocket(loop: EdgeLoop, listener: ListenerState, socket: Socket): void {
  const peer = parseIp(socket.remoteAddress ?? '');
  if (peer === null) {
    socket.destroy();
    return;
  }
  loop.accept({
    listener,
    facts: {
      listener: listener.config.name,
      ip: peer.ip,
      isV4: peer.isV4,
      port: socket.remotePort ?? 0,
      syn: null,
      rttUs: null,
      proxied: false,
      nowMs: Date.now(),
      inflight: loop.open,
    },
    transport: new SocketTransport(socket),
    peeked: null,
  });
}

/** Listens on `port`; 0 lets the system choose. @throws the bind error (EADDRINUSE, EACCES…) as a rejection. */
export async function listenWithNet(
  loop: EdgeLoop,
  listener: ListenerState,
  port: number,
): Promise<{ readonly source: Source; readonly port: number }> {
  const server = createServer({ noDelay: true }, (socket) => acceptSocket(loop, listener, socket));
  const { host } = listener.config.address;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(
      { host, port, backlog: loop.config.limits.backlog, reusePort: loop.config.threads > 1 },
      () => {
        server.off('error', reject);
        resolve();
      },
    );
  });
  // why: EMFILE on accept is reported here; it ends no connection that is open.
  server.on('error', () => {});
  return { source: { stop: () => void server.close() }, port: (server.address() as AddressInfo).port };
}
