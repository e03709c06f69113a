/** An HTTP upstream: requests of clients go on to it over a pool of connections. */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, ServerResponse } from 'node:http';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { buildConnector, type Dispatcher, Pool } from 'undici';
import type { HeadersConfig, HttpUpstreamConfig } from '../config/schema.ts';
import { type ClientRequest, type ClientResponse, Exchange, type ExchangeOptions } from './http-exchange.ts';
import { BUSY, sendFailure, UPGRADE_REFUSED } from './proxy-error.ts';
import { HeaderRules, type ProxyContext, responseFields } from './proxy-headers.ts';
import { relay } from './relay.ts';

export type { ProxyContext } from './proxy-headers.ts';

/** Requests that may wait for a connection to be free; one more is answered 503. */
const MAX_WAITING = 1024;

export class HttpUpstream {
  readonly name: string;
  readonly #config: HttpUpstreamConfig;
  readonly #url: URL;
  readonly #rules: HeaderRules;
  readonly #pool: Pool;
  #active = 0;
  #closing: Promise<void> | null = null;

  /** @throws Error when the file of `config.ca` cannot be read. */
  constructor(name: string, config: HttpUpstreamConfig, headers: HeadersConfig) {
    this.name = name;
    this.#config = config;
    this.#url = new URL(config.url);
    this.#rules = new HeaderRules(headers);
    this.#pool = new Pool(this.#url.origin, {
      connections: config.connections,
      pipelining: 1,
      connect: connector(this.#url, config),
      headersTimeout: config.headersTimeout,
      bodyTimeout: config.bodyTimeout,
      keepAliveTimeout: config.keepAlive,
      keepAliveMaxTimeout: config.keepAlive,
    });
  }

  /** Sends a request on and the response back; every failure becomes a response or ends the stream. */
  handle(request: ClientRequest, response: ClientResponse, context: ProxyContext): void {
    this.#exchange(request, response, context, null);
  }

  /** Like `handle`, for a request to become a WebSocket (RFC 6455); other upgrades are refused. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, context: ProxyContext): void {
    const client = socket as Socket;
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(client);
    response.once('finish', () => client.end());
    client.on('error', () => {});
    if (request.headers.upgrade?.toLowerCase() !== 'websocket' || request.method !== 'GET') {
      sendFailure(response, UPGRADE_REFUSED, context.requestId);
      return;
    }
    this.#exchange(request, response, context, (rawHeaders, upstream) => {
      response.detachSocket(client);
      client.write(switchingProtocols(rawHeaders), 'latin1');
      if (head.length > 0) upstream.write(head);
      const { bodyTimeout } = this.#config;
      const idleMs = Math.min(context.idleMs ?? bodyTimeout, bodyTimeout);
      relay(client, upstream, idleMs, (error) => {
        if (error === 'idle_timeout' && idleMs < bodyTimeout) context.onIdle?.();
      });
    });
  }

  /** Waits for the requests under way, then closes every connection. Requests from now on get 503. */
  close(): Promise<void> {
    this.#closing ??= this.#pool.close();
    return this.#closing;
  }

  #exchange(
    request: ClientRequest,
    response: ClientResponse,
    context: ProxyContext,
    onUpgrade: ExchangeOptions['onUpgrade'],
  ): void {
    const { connections, connectTimeout, headersTimeout } = this.#config;
    if (this.#active >= connections + MAX_WAITING) {
      context.onError?.(BUSY.code);
      request.resume();
      sendFailure(response, BUSY, context.requestId);
      return;
    }
    this.#active++;
    const target = originForm(request.url ?? '/', context.host);
    const headers = this.#rules.forRequest(request.rawHeaders, request.httpVersion, {
      ...context,
      host: target.host,
    });
    if (target.host !== '') headers.push('Host', target.host);
    const options: Dispatcher.DispatchOptions & { servername: string } = {
      path: target.path,
      method: request.method as Dispatcher.HttpMethod,
      headers,
      upgrade: onUpgrade ? 'websocket' : null,
      // why: else undici takes it from the host, and opens a new connection whenever that changes.
      servername: this.#url.hostname,
    };
    new Exchange({
      request,
      response,
      context,
      queueTimeout: connectTimeout + headersTimeout,
      dispatch: (body, handler) => this.#pool.dispatch({ ...options, body }, handler),
      onUpgrade,
      onDone: () => this.#active--,
    }).start();
  }
}

/** Connects by the upstream's own name, whatever host a request is for. */
function connector(url: URL, config: HttpUpstreamConfig): buildConnector.connector {
  const ca = config.ca === null ? {} : { ca: readFileSync(config.ca) };
  const connect = buildConnector({ timeout: config.connectTimeout, ...ca });
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const servername = isIP(host) ? '' : host;
  return (options, callback) => connect({ ...options, servername }, callback);
}

/** Path and host of a request target; an absolute one outranks the Host field (RFC 9112 section 3.2.2). */
function originForm(target: string, host: string): { path: string; host: string } {
  if (!/^https?:\/\//i.test(target) || !URL.canParse(target)) return { path: target, host };
  const url = new URL(target);
  return { path: url.pathname + url.search, host: url.host };
}

/** The head of a 101 response (RFC 9110 section 15.2.2). */
function switchingProtocols(rawHeaders: readonly Buffer[]): string {
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
  for (const [name, value] of responseFields(rawHeaders)) {
    for (const one of Array.isArray(value) ? value : [value]) head += `${name}: ${one}\r\n`;
  }
  return `${head}\r\n`;
}
