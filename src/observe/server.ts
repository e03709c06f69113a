/** `/healthz`, `/ready` and `/metrics` for probes and Prometheus, apart from client traffic. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Address } from '../config/schema.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServerOptions {
  readonly address: Address;
  readonly metrics: Metrics;
  /** Whether new connections are being accepted: false before the first worker is up and while draining. */
  readonly ready: () => boolean;
}

export interface RunningServer {
  readonly host: string;
  /** The port bound; useful when port 0 was asked for. */
  readonly port: number;
  close(): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64;

/** @throws the bind error (EADDRINUSE, EACCES…) as a rejection. */
export async function startMetricsServer(options: MetricsServerOptions): Promise<RunningServer> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(options, request, response).catch(() => response.destroy());
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.address.port, options.address.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  { metrics, ready }: MetricsServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, contentType: string, body: string): void => {
    response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    return send(405, TEXT, 'only GET and HEAD\n');
  }
  switch (request.url?.split('?', 1)[0]) {
    case '/healthz':
      return send(200, TEXT, 'ok\n');
    case '/ready':
      return ready() ? send(200, TEXT, 'ready\n') : send(503, TEXT, 'not ready\n');
    case '/metrics': {
      const { body, contentType } = await metrics.render();
      return send(200, contentType, body);
    }
    default:
      return send(404, TEXT, 'try /healthz, /ready or /metrics\n');
  }
}

const TEXT = 'text/plain; charset=utf-8';
