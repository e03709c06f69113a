/** Raw TCP behind the handshake: each connection gets one to the upstream. */
import type { TLSSocket } from 'node:tls';
import type { TcpUpstreamConfig } from '../config/schema.ts';
import type { Connection } from './connection.ts';
import type { Service } from './loop.ts';
import { type ClientSummary, connectTcpUpstream } from './tcp-proxy.ts';

export class TcpService implements Service {
  readonly posesPages = false;
  readonly #name: string;
  readonly #upstreams: ReadonlyMap<string, TcpUpstreamConfig>;

  /** @param name Of the upstream that clients go to unless their policy names another. */
  constructor(name: string, upstreams: ReadonlyMap<string, TcpUpstreamConfig>) {
    this.#name = name;
    this.#upstreams = upstreams;
  }

  serve(connection: Connection, tls: TLSSocket): void {
    const { record, verdict } = connection;
    const name = verdict?.policy?.upstream ?? this.#name;
    const config = this.#upstreams.get(name);
    record.upstream = name;
    if (config === undefined) {
      connection.fail('upstream_failed', `there is no TCP upstream ${name}`);
      tls.destroy();
      return;
    }
    // why: a challenge needs HTTP to be posed in; without it the client is turned away, never let through.
    if (verdict?.challenge && !connection.isCleared()) {
      record.challenge = { name: verdict.challenge.name, outcome: 'posed' };
      connection.fail('refused', 'the policy demands a challenge, which a TCP upstream cannot pose');
      tls.destroy();
      return;
    }
    const { idleTimeout } = config;
    const idleMs = connection.idleMs ?? idleTimeout;
    const upstream = { ...config, idleTimeout: Math.min(idleMs, idleTimeout) };
    connectTcpUpstream(upstream, tls, summaryOf(connection), (error) => {
      if (error === 'idle_timeout' && idleMs < idleTimeout) connection.fail('idle_timeout', null);
      if (error?.startsWith('upstream_')) connection.fail('upstream_failed', error);
    });
  }

  /** A stream has no point at which it is done: it lives until the drain's deadline. */
  drain(): void {}

  async close(): Promise<void> {}
}

/** What an upstream is told of a decided connection. */
export function summaryOf({ record, verdict }: Connection): ClientSummary {
  return {
    clientIp: record.clientIp,
    clientPort: record.clientPort,
    sni: record.hello?.sni ?? null,
    score: verdict?.score ?? 0,
    policy: record.policy ?? '',
    ja4: record.hello?.ja4 ?? '',
  };
}
