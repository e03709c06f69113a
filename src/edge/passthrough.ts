/**
 * TLS that the edge does not end: a decided client's bytes go on to the upstream of its server name as they
 * came, hello included, and what comes back goes back.
 */
import type { Socket } from 'node:net';
import type { ListenerConfig, TcpUpstreamConfig } from '../config/schema.ts';
import { alertRecord } from '../orchestrator/alert.ts';
import { NameMap } from '../orchestrator/names.ts';
import { relay } from './relay.ts';
import { type ClientSummary, dial, proxyHeader } from './tcp-proxy.ts';
import type { Transport } from './transport.ts';

/** The names of one listener that pass through. */
export class PassthroughNames {
  readonly #names = new NameMap<string>();
  readonly #others: string | null;

  constructor({ passthrough }: ListenerConfig) {
    const { '*': others = null, ...names } = passthrough;
    this.#others = others;
    for (const [name, upstream] of Object.entries(names)) this.#names.set(name, upstream);
  }

  /** Name of the upstream that a client of this server name goes to untouched; null: the edge ends its TLS. */
  find(sni: string | null): string | null {
    return (sni === null ? undefined : this.#names.find(sni)) ?? this.#others;
  }
}

export interface PassthroughOptions {
  readonly transport: Transport;
  readonly upstream: TcpUpstreamConfig;
  readonly client: ClientSummary;
  /** Longest silence in both directions, in milliseconds. */
  readonly idleMs: number;
  /** Called once with the client's socket, when the upstream is there. */
  readonly onJoined: (socket: Socket) => void;
  /**
   * Called once, everything then being closed: null after an orderly end, else one of `upstream_unreachable`,
   * `upstream_timeout`, `upstream_closed`, `client_closed`, `idle_timeout`.
   */
  readonly onEnd: (error: string | null) => void;
}

/** What the client is told when nobody answers for its server. */
const UNREACHABLE_ALERT = 'internal_error';

/**
 * Connects to the upstream, and only then takes the client's bytes: until it is there, the hello stays in the kernel's
 * queue. Returns what ends it all at once.
 */
export function passThrough(options: PassthroughOptions): () => void {
  const { transport, upstream, client, idleMs, onJoined, onEnd } = options;
  let socket: Socket | null = null;
  let isOver = false;
  const end = (error: string | null): void => {
    if (isOver) return;
    isOver = true;
    onEnd(error);
  };
  const giveUp = dial(upstream, {
    onConnect: (server) => {
      socket = transport.takeSocket();
      socket.allowHalfOpen = true;
      socket.setNoDelay(true);
      onJoined(socket);
      if (upstream.proxyProtocol) {
        server.write(proxyHeader(client, socket, null));
      }
      relay(socket, server, idleMs, end);
    },
    onFail: (error) => {
      transport.finish(alertRecord(UNREACHABLE_ALERT));
      end(error);
    },
  });
  transport.hold(() => {
    // why: a socket that was taken tells its own end to the relay.
    if (socket !== null || isOver) return;
    giveUp();
    transport.reset();
    end('client_closed');
  });
  return () => {
    if (socket !== null) return void socket.destroy();
    if (isOver) return;
    giveUp();
    transport.reset();
    end('client_closed');
  };
}
