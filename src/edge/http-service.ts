/**
 * HTTP behind the handshake: one HTTP/1.1 and one HTTP/2 server that never listen, fed with sockets
 * whose handshake is done. Challenges are met here; what passes goes to the upstream.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  createServer as createHttp2Server,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { HttpRecord } from '../audit/record.ts';
import type { LimitsConfig } from '../config/schema.ts';
import { H2_FACT } from '../orchestrator/request-facts.ts';
import type { ChallengeGate } from './challenge-gate.ts';
import type { Connection } from './connection.ts';
import { lookAtStart } from './h2-look.ts';
import type { HttpUpstream, ProxyContext } from './http-proxy.ts';
import { IdleTimer } from './idle.ts';
import type { Service } from './loop.ts';
import { sendFailure, UNREACHABLE } from './proxy-error.ts';
import { answerRefusal, refusalOf } from './request-gate.ts';

/** Paths under this prefix belong to the edge and never reach an upstream. */
const OWN_PREFIX = '/.well-known/sallyport/';

const EMPTY_AND_CLOSE = 'Connection: close\r\nContent-Length: 0\r\n\r\n';

/** How long a client may take to close its side after it was told of its error, in milliseconds. */
const LINGER_MS = 1_000;

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** Ends a connection whose bytes are no HTTP/1.1, or that ended in the middle of a request. */
function answerError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // why: what is written to a client that has reset the connection may never be over, and Node would wait for it.
  if (!socket.writable || error.code === 'HPE_INVALID_EOF_STATE') return void socket.destroy();
  socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

export class HttpService implements Service {
  readonly posesPages = true;
  readonly #h1: Server;
  readonly #h2: Http2Server;
  readonly #name: string;
  readonly #upstreams: ReadonlyMap<string, HttpUpstream>;
  readonly #gate: ChallengeGate;
  readonly #connections = new WeakMap<object, Connection>();
  /** By connection, of those whose policy says `idle`. */
  readonly #idle = new WeakMap<Connection, IdleTimer>();
  readonly #sessions = new Set<ServerHttp2Session>();
  /** The connection whose HTTP/2 session is being made; the event is emitted within the call. */
  #starting: Connection | null = null;
  readonly #headerTimeout: number;
  #draining = false;

  /** @param name Of the upstream that requests go to unless their client's policy names another. */
  constructor(
    name: string,
    upstreams: ReadonlyMap<string, HttpUpstream>,
    gate: ChallengeGate,
    limits: LimitsConfig,
  ) {
    this.#name = name;
    this.#upstreams = upstreams;
    this.#gate = gate;
    this.#headerTimeout = limits.headerTimeout;
    this.#h1 = createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headerTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.idleTimeout,
      noDelay: false,
      // why: Node would hand every Upgrade to the listener below, h2c too; only WebSocket may leave HTTP.
      shouldUpgradeCallback: (request) => request.headers.upgrade?.toLowerCase() === 'websocket',
    });
    this.#h1.maxRequestsPerSocket = limits.requestsPerConnection;
    // why: Node starts the check of header and request deadlines with this event, and we never listen.
    this.#h1.emit('listening');
    this.#h1.on('request', (request, response) => this.#onRequest(request.socket, request, response));
    this.#h1.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
    this.#h1.on('clientError', answerError);
    this.#h2 = createHttp2Server({
      settings: { maxConcurrentStreams: limits.streams, maxHeaderListSize: limits.headerBytes },
      maxSessionMemory: 4,
    });
    this.#h2.on('session', (session) => this.#onSession(session, limits));
    this.#h2.on('request', (request, response) => {
      const { session } = request.stream;
      if (session) this.#onRequest(session, request, response);
    });
  }

  serve(connection: Connection, tls: TLSSocket): void {
    connection.record.http = newHttpRecord();
    connection.record.upstream = this.#name;
    if (tls.alpnProtocol === 'h2') {
      if (!connection.asks(H2_FACT)) this.#startH2(connection, tls);
      else {
        lookAtStart(tls, this.#headerTimeout, (start) => {
          connection.h2Start = start;
          this.#startH2(connection, tls);
        });
      }
    } else {
      this.#connections.set(tls, connection);
      this.#watchIdle(connection, tls, () => tls.destroy());
      this.#h1.emit('connection', tls);
    }
  }

  #startH2(connection: Connection, tls: TLSSocket): void {
    this.#starting = connection;
    this.#h2.emit('connection', tls);
    this.#starting = null;
  }

  drain(): void {
    this.#draining = true;
    for (const session of this.#sessions) session.close();
    this.#h1.closeIdleConnections();
  }

  async close(): Promise<void> {
    // why: this also ends the timer that checks deadlines.
    this.#h1.close();
    await this.#upstreams.get(this.#name)!.close();
  }

  /** Where the requests of a connection go; null, and the connection has failed, when there is no such upstream. */
  #upstreamOf(connection: Connection): HttpUpstream | null {
    const name = connection.verdict?.policy?.upstream ?? this.#name;
    connection.record.upstream = name;
    const upstream = this.#upstreams.get(name) ?? null;
    if (upstream === null) connection.fail('upstream_failed', `there is no HTTP upstream ${name}`);
    return upstream;
  }

  #onSession(session: ServerHttp2Session, limits: LimitsConfig): void {
    if (this.#starting !== null) {
      this.#connections.set(session, this.#starting);
      this.#watchIdle(this.#starting, session, () => session.close());
    }
    this.#sessions.add(session);
    if (this.#draining) session.close();
    session.setTimeout(limits.idleTimeout, () => session.close());
    session.on('error', () => {});
    session.once('close', () => this.#sessions.delete(session));
  }

  #watchIdle(connection: Connection, owner: TLSSocket | ServerHttp2Session, close: () => void): void {
    if (connection.idleMs === null) return;
    const timer = new IdleTimer(connection.idleMs, () => {
      connection.fail('idle_timeout', null);
      close();
    });
    this.#idle.set(connection, timer);
    owner.once('close', () => timer.stop());
  }

  #onRequest(owner: object, request: Request, response: Response): void {
    const connection = this.#connections.get(owner);
    if (!connection) {
      response.statusCode = 500;
      response.end();
      return;
    }
    // why: a held client waits for an answer that does not come.
    if (connection.isTurnedAway) return;
    connection.record.http!.requests++;
    const idle = this.#idle.get(connection);
    if (idle !== undefined) {
      idle.enter();
      response.once('close', () => idle.leave());
    }
    if (this.#draining && request.httpVersionMajor === 1) response.setHeader('connection', 'close');
    const path = pathOf(request.url ?? '/');
    if (path.startsWith(OWN_PREFIX)) {
      this.#gate.handleOwnPath(connection, path, request, response);
      return;
    }
    const refusal = refusalOf(connection, request);
    if (refusal !== null) {
      if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
      answerRefusal(refusal, request, response, requestIdOf(connection));
      return;
    }
    if (this.#gate.intercept(connection, request, response)) {
      connection.record.http!.challenged++;
      return;
    }
    const upstream = this.#upstreamOf(connection);
    if (upstream === null) sendFailure(response, UNREACHABLE, requestIdOf(connection));
    else upstream.handle(request, response, proxyContext(connection, request));
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const connection = this.#connections.get(request.socket);
    if (!connection) {
      socket.destroy();
      return;
    }
    if (connection.isTurnedAway) return;
    connection.record.http!.requests++;
    this.#idle.get(connection)?.stop();
    const refusal = refusalOf(connection, request);
    if (refusal !== null) {
      const { failure } = refusal;
      if (failure !== null) socket.end(`HTTP/1.1 ${failure.status} ${failure.title}\r\n${EMPTY_AND_CLOSE}`);
      return;
    }
    if (this.#gate.needed(connection, request)) {
      connection.record.http!.challenged++;
      socket.end(`HTTP/1.1 403 Forbidden\r\n${EMPTY_AND_CLOSE}`);
      return;
    }
    const upstream = this.#upstreamOf(connection);
    if (upstream === null) socket.end(`HTTP/1.1 502 Bad Gateway\r\n${EMPTY_AND_CLOSE}`);
    else upstream.upgrade(request, socket, head, proxyContext(connection, request));
  }
}

function newHttpRecord(): HttpRecord {
  return { requests: 0, challenged: 0, userAgent: null, h2: null, osMismatch: null, toolMismatch: null };
}

/** The path of a request target; an absolute form (RFC 9112 section 3.2.2) loses its origin. */
function pathOf(target: string): string {
  if (target.startsWith('/')) return target;
  const start = target.indexOf('/', target.indexOf('://') + 3);
  return start === -1 ? '/' : target.slice(start);
}

function requestIdOf({ record }: Connection): string {
  return `${record.id}-${record.http!.requests}`;
}

function proxyContext(connection: Connection, request: Request): ProxyContext {
  const { record, verdict } = connection;
  const authority = 'authority' in request ? request.authority : undefined;
  return {
    clientIp: record.clientIp,
    clientPort: record.clientPort,
    proto: 'https',
    host: authority ?? request.headers.host ?? '',
    score: verdict?.score ?? 0,
    policy: record.policy ?? '',
    decision: record.action ?? '',
    ja4: record.hello?.ja4 ?? '',
    ja3Hash: record.hello?.ja3Hash ?? '',
    requestId: requestIdOf(connection),
    clientCertificate: connection.forwardedCertificate,
    idleMs: connection.idleMs,
    onIdle: () => connection.fail('idle_timeout', null),
    onError: (code) => connection.fail('upstream_failed', code),
  };
}
