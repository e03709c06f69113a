/** A TCP upstream: what comes out of a client's TLS goes on to it as it is. */
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TcpUpstreamConfig } from '../config/schema.ts';
import { encodeProxyV2 } from './proxy-v2.ts';
import { relay } from './relay.ts';

/** What the edge knows about a connection and tells its upstream, if that wants the PROXY protocol. */
export interface TcpContext {
  readonly clientIp: string;
  readonly clientPort: number;
  readonly sni: string | null;
  /** 0 (good) to 100 (bad). */
  readonly score: number;
  readonly policy: string;
  readonly ja4: string;
}

/**
 * Connects and joins the two, each direction to its own end.
 * @param onEnd Called once, both sockets then being closed: null after an orderly end, else one of
 * `upstream_unreachable`, `upstream_timeout`, `upstream_closed`, `client_closed`, `idle_timeout`.
 */
export function connectTcpUpstream(
  config: TcpUpstreamConfig,
  tls: TLSSocket,
  context: TcpContext,
  onEnd: (error: string | null) => void,
): void {
  const { address, connectTimeout, idleTimeout } = config;
  const upstream = connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true });
  let connected = false;
  const fail = (error: string): void => {
    if (connected) return;
    connected = true;
    clearTimeout(timer);
    upstream.destroy();
    tls.destroy();
    onEnd(error);
  };
  const timer = setTimeout(() => fail('upstream_timeout'), connectTimeout);
  tls.allowHalfOpen = true;
  tls.on('error', () => {});
  tls.once('close', () => fail('client_closed'));
  upstream.on('error', () => fail('upstream_unreachable'));
  upstream.once('connect', () => {
    if (connected) return;
    connected = true;
    clearTimeout(timer);
    if (config.proxyProtocol) upstream.write(proxyHeader(tls, context));
    relay(tls, upstream, idleTimeout, onEnd);
  });
}

function proxyHeader(tls: TLSSocket, context: TcpContext): Buffer {
  return encodeProxyV2({
    sourceIp: context.clientIp,
    sourcePort: context.clientPort,
    destinationIp: tls.localAddress ?? '',
    destinationPort: tls.localPort ?? 0,
    alpn: tls.alpnProtocol || null,
    authority: context.sni,
    tlsVersion: tls.getProtocol() ?? '',
    cipher: tls.getCipher().name,
    score: context.score,
    policy: context.policy,
    ja4: context.ja4,
  });
}
