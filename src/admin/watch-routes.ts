/** What the admin API tells of the traffic: connections as they end, and what is remembered of a client. */
import type { FastifyInstance } from 'fastify';
import { parseIp } from '../orchestrator/ip.ts';
import type { AdminControl } from './control.ts';
import { failure } from './failure.ts';
import { MAX_WATCHERS } from './watch-hub.ts';

export function watchRoutes(app: FastifyInstance, control: AdminControl): void {
  app.get('/v1/events', (request, reply) => {
    const { raw } = reply;
    if (control.watch.isFull) {
      const message = `${MAX_WATCHERS} watch it already`;
      return reply.code(503).send(failure('too_many_watchers', message));
    }
    reply.hijack();
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    raw.flushHeaders();
    raw.on('error', () => {});
    request.raw.socket.once('close', control.watch.add(raw));
    return reply;
  });
  app.get('/v1/clients/:address', async (request, reply) => {
    const { address } = request.params as { readonly address: string };
    const { ja4 } = request.query as { readonly ja4?: unknown };
    const parsed = parseIp(address);
    if (parsed === null) return reply.code(400).send(failure('bad_request', `${address} is no IP address`));
    return control.describeClient(parsed, typeof ja4 === 'string' ? ja4 : null);
  });
}
