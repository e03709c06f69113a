/** The part of the admin API that is about modes. */
import type { FastifyInstance } from 'fastify';
import { failure } from './failure.ts';
import type { ModeControl } from './mode-control.ts';

export function modeRoutes(app: FastifyInstance, modes: ModeControl): void {
  app.get('/v1/modes', async () => ({ modes: modes.list() }));
  app.post('/v1/modes/:name', async (request, reply) => {
    const { name } = request.params as { readonly name: string };
    const { state } = (request.body ?? {}) as { readonly state?: unknown };
    if (typeof state !== 'string' && state !== null) {
      const message =
        'send {"state":"NAME"} to hold the mode there, {"state":null} to let it follow its conditions';
      return reply.code(400).send(failure('bad_request', message));
    }
    const mode = modes.list().find((each) => each.name === name);
    if (mode === undefined) {
      const names = modes.list().map((each) => each.name);
      const known = names.length === 0 ? 'the policy in force has none' : `there are: ${names.join(', ')}`;
      return reply.code(404).send(failure('no_mode', `there is no mode called ${name}; ${known}`));
    }
    const now = modes.force(name, state);
    if (now !== null) return now;
    const message = `${name} has no state called ${state}; it has: ${mode.states.join(', ')}`;
    return reply.code(404).send(failure('no_state', message));
  });
}
