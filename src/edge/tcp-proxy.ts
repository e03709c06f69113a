/** TCP upstreams: what a client sends goes on to one as it is. */
import { connect, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TcpUpstreamConfig } from '../config/schema.ts';
import { encodeProxyV2 } from './proxy-v2.ts';
import { relay } from './relay.ts';

/** What the edge knows about a connection and tells its upstream, if that wants the PROXY protocol. */
export interface ClientSummary {
  readonly clientIp: string;
  readonly clientPort: number;
  readonly sni: string | null;
  /** 0 (good) to 100 (bad). */
  readonly score: number;
  readonly policy: string;
  readonly ja4: string;
}

export interface DialHandlers {
  readonly onConnect: (server: Socket) => void;
  readonly onFail: (error: 'upstream_unreachable' | 'upstream_timeout') => void;
}

/** Connects to an upstream within its time; one of the handlers is called once, unless the attempt is given up. */
export function dial(config: TcpUpstreamConfig, { onConnect, onFail }: DialHandlers): () => void {
  const { address, connectTimeout } = config;
  const server = connect({ host: address.host, port: address.port, allowHalfOpen: true, noDelay: true });
  let isOver = false;
  const settle = (): boolean => {
    if (isOver) return false;
    isOver = true;
    clearTimeout(timer);
    return true;
  };
  const fail = (error: 'upstream_unreachable' | 'upstream_timeout'): void => {
    if (!settle()) return;
    server.destroy();
    onFail(error);
  };
  const timer = setTimeout(() => fail('upstream_timeout'), connectTimeout);
  server.on('error', () => fail('upstream_unreachable'));
  server.once('connect', () => {
    if (settle()) onConnect(server);
  });
  return () => {
    if (settle()) server.destroy();
  };
}

/**
 * Connects and joins the two, each direction to its own end.
 * @param onEnd Called once, both sockets then being closed: null after an orderly end, else one of
 * `upstream_unreachable`, `upstream_timeout`, `upstream_closed`, `client_closed`, `idle_timeout`.
 */
export function connectTcpUpstream(
  config: TcpUpstreamConfig,
  tls: TLSSocket,
  client: ClientSummary,
  onEnd: (error: string | null) => void,
): void {
  let isJoined = false;
  const giveUp = dial(config, {
    onConnect: (server) => {
      isJoined = true;
      if (config.proxyProtocol) server.write(proxyHeader(client, tls, tls));
      relay(tls, server, config.idleTimeout, onEnd);
    },
    onFail: (error) => {
      isJoined = true;
      tls.destroy();
      onEnd(error);
    },
  });
  tls.allowHalfOpen = true;
  tls.on('error', () => {});
  tls.once('close', () => {
    if (isJoined) return;
    giveUp();
    onEnd('client_closed');
  });
}

/** `tls` null: what the client's TLS comes to is between it and the upstream. */
export function proxyHeader(client: ClientSummary, socket: Socket, tls: TLSSocket | null): Buffer {
  return encodeProxyV2({
    sourceIp: client.clientIp,
    sourcePort: client.clientPort,
    destinationIp: socket.localAddress ?? '',
    destinationPort: socket.localPort ?? 0,
    alpn: tls?.alpnProtocol || null,
    authority: client.sni,
    tls: tls === null ? null : { version: tls.getProtocol() ?? '', cipher: tls.getCipher().name },
    score: client.score,
    policy: client.policy,
    ja4: client.ja4,
  });
}
