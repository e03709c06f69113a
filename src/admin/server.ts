/**
 * The admin API. It listens apart from client traffic, on loopback unless the operator says otherwise,
 * wants a bearer token for everything, and answers only to its own name, so that a web page cannot reach
 * it through a rebound DNS name.
 */

import type { AddressInfo } from 'node:net';
import { type FastifyInstance, fastify } from 'fastify';
import { isLoopback } from '../config/address.ts';
import type { Address } from '../config/schema.ts';
import type { RunningServer } from '../observe/server.ts';
import type { AdminControl } from './control.ts';
import { failure } from './failure.ts';
import { feedRoutes } from './feed-routes.ts';
import { modeRoutes } from './mode-routes.ts';
import { describeBundle } from './policy-report.ts';
import { isAuthorized, loadOrCreateToken } from './token.ts';
import { watchRoutes } from './watch-routes.ts';

export interface AdminServerOptions {
  readonly address: Address;
  /** Absolute; made with mode 0600 when it is missing. */
  readonly tokenFile: string;
  readonly control: AdminControl;
}

const BODY_LIMIT = 65_536;
const REQUEST_TIMEOUT_MS = 60_000;

/** @throws the bind error, or the token file's, as a rejection. */
export async function startAdminServer(options: AdminServerOptions): Promise<RunningServer> {
  const token = loadOrCreateToken(options.tokenFile);
  const app = fastify({
    logger: false,
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  guard(app, token, isLoopback(options.address));
  routes(app, options.control);
  await app.listen({ host: options.address.host, port: options.address.port });
  const { address, port } = app.server.address() as AddressInfo;
  return { host: address, port, close: () => app.close() };
}

function guard(app: FastifyInstance, token: string, loopbackOnly: boolean): void {
  app.addHook('onRequest', async (request, reply) => {
    if (loopbackOnly && !isOwnName(request.headers.host)) {
      return reply.code(421).send(failure('wrong_host', 'ask for it by its loopback address or localhost'));
    }
    if (!isAuthorized(request.headers.authorization, token)) {
      reply.header('WWW-Authenticate', 'Bearer realm="sallyport"');
      return reply.code(401).send(failure('unauthorized', 'send the token as `Authorization: Bearer …`'));
    }
  });
  app.setNotFoundHandler((_request, reply) => {
    reply.code(404).send(failure('not_found', 'see docs/operations.md for the paths'));
  });
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    reply.code(status).send(failure(status < 500 ? 'bad_request' : 'internal', error.message));
  });
}

function routes(app: FastifyInstance, control: AdminControl): void {
  app.get('/v1/status', async () => control.status());
  app.get('/v1/policy', async (_request, reply) => {
    const bundle = control.bundle();
    if (bundle === null) return reply.code(503).send(failure('no_policy', 'no policy is in force'));
    return describeBundle(bundle);
  });
  app.post('/v1/reload', async (_request, reply) => {
    const result = await control.reload();
    return reply.code(result.ok ? 200 : 422).send(result);
  });
  feedRoutes(app, control.feeds);
  modeRoutes(app, control.modes);
  watchRoutes(app, control);
}

/** Whether a Host header names this machine by a loopback address or `localhost`. */
function isOwnName(host: string | undefined): boolean {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+))(?::\d{1,5})?$/i.exec(host ?? '');
  const name = match?.[1] ?? match?.[2];
  return name !== undefined && isLoopback({ host: name.toLowerCase(), port: 0 });
}
