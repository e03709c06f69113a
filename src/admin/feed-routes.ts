/** The part of the admin API that is about feeds. */
import type { FastifyInstance } from 'fastify';
import { MAX_LOOKUP_BYTES } from '../orchestrator/feed-lookup.ts';
import { failure } from './failure.ts';
import type { FeedControl } from './feed-control.ts';

interface RefreshBody {
  readonly acceptSize?: unknown;
  readonly acceptCoverage?: unknown;
}

export function feedRoutes(app: FastifyInstance, feeds: FeedControl): void {
  app.get('/v1/feeds', async () => ({ feeds: feeds.list() }));
  app.get('/v1/feeds/lookup', async (request, reply) => {
    const { value } = request.query as { readonly value?: unknown };
    if (typeof value !== 'string' || value === '' || value.length > MAX_LOOKUP_BYTES) {
      const message = `ask with ?value=, an address, name or fingerprint of at most ${MAX_LOOKUP_BYTES} characters`;
      return reply.code(400).send(failure('bad_request', message));
    }
    return await feeds.lookup(value);
  });
  app.post('/v1/feeds/:name/refresh', async (request, reply) => {
    const { name } = request.params as { readonly name: string };
    const { acceptSize, acceptCoverage } = (request.body ?? {}) as RefreshBody;
    const accepted = { size: acceptSize === true, coverage: acceptCoverage === true };
    const result = await feeds.refresh(name, accepted);
    if (result !== null) return result;
    const fetched = feeds.list().filter(({ results }) => results !== null);
    const names = fetched.map((feed) => feed.name).join(', ');
    const others = names === '' ? 'none is' : `these are: ${names}`;
    const own = feeds.list().find((feed) => feed.name === name);
    const what =
      own === undefined
        ? `no feed called ${name} is fetched`
        : `${name} is not fetched${own.source === 'dnsbl' ? ', it is asked about one address at a time' : ': a changed file is read by itself'}`;
    const message = `${what}; ${others}`;
    return reply.code(404).send(failure('no_feed', message));
  });
}
