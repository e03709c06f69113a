import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener } from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { HttpUpstreamConfig } from '../../src/config/schema.ts';
import { HEADER_DEFAULTS } from '../../src/config/settings.ts';
import { HttpUpstream, type ProxyContext } from '../../src/edge/http-proxy.ts';

export const CONTEXT: ProxyContext = {
  clientIp: '192.0.2.7',
  clientPort: 4711,
  proto: 'https',
  host: 'shop.example',
  score: 12,
  policy: 'trusted',
  decision: 'accept',
  ja4: 't13d1516h2_8daaf6152771_02713d6af862',
  ja3Hash: 'cd08e31494f9531f560d64c695473da9',
  requestId: 'r-1',
  clientCertificate: '',
};

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

export interface Edge {
  readonly port: number;
  readonly h2: string;
  readonly upstream: HttpUpstream;
  readonly errors: string[];
}

/** An upstream with this behaviour and, in front of it, the proxy behind an HTTP/1.1 and an HTTP/2 server. */
export async function edge(
  t: TestContext,
  behaviour: RequestListener | Server,
  settings: Partial<HttpUpstreamConfig> = {},
): Promise<Edge> {
  const origin = typeof behaviour === 'function' ? http.createServer(behaviour) : behaviour;
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  };
  origin.on('connection', track);
  const config: HttpUpstreamConfig = {
    protocol: 'http',
    url: `http://127.0.0.1:${await listen(origin)}`,
    ca: null,
    connectTimeout: 1000,
    headersTimeout: 1000,
    bodyTimeout: 1000,
    keepAlive: 4000,
    connections: 4,
    ...settings,
  };
  const upstream = new HttpUpstream('app', config, HEADER_DEFAULTS);
  const errors: string[] = [];
  const context = { ...CONTEXT, onError: (code: string) => errors.push(code) };
  const h1 = http.createServer((request, response) => upstream.handle(request, response, context));
  h1.on('upgrade', (request, socket, head) => upstream.upgrade(request, socket, head, context));
  const h2 = http2.createServer((request, response) => upstream.handle(request, response, context));
  h1.on('connection', track);
  h2.on('connection', track);
  const port = await listen(h1);
  const h2Url = `http://127.0.0.1:${await listen(h2)}`;
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    for (const server of [origin, h1, h2]) server.close();
    void upstream.close();
  });
  return { port, h2: h2Url, upstream, errors };
}

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export async function ask(
  port: number,
  options: http.RequestOptions = {},
  body?: string | Buffer,
): Promise<Reply> {
  const request = http.request({ host: '127.0.0.1', port, agent: false, ...options });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) text += chunk;
  return { status: response.statusCode!, headers: response.headers, body: text };
}

/** Sends bytes as they are and returns what comes back until the end. */
export async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(bytes, 'latin1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await once(socket, 'close');
  return text;
}

export async function askH2(
  url: string,
  headers: http2.OutgoingHttpHeaders,
  body?: string,
): Promise<Reply & { code: number }> {
  const session = http2.connect(url);
  const stream = session.request(headers, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let reply: http2.IncomingHttpHeaders = {};
  let text = '';
  stream.on('response', (received) => {
    reply = received;
  });
  stream.on('error', () => {});
  stream.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
  });
  await new Promise((resolve) => stream.once('close', resolve));
  session.destroy();
  return { status: Number(reply[':status']), headers: reply, body: text, code: stream.rstCode };
}

export const echoHeaders: RequestListener = (request, response) => {
  response.end(JSON.stringify({ url: request.url, method: request.method, raw: request.rawHeaders }));
};

/** The values that the upstream got for a header, by its exact lower-case name. */
export function got(body: string, name: string): string[] {
  const { raw } = JSON.parse(body) as { raw: string[] };
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
}
