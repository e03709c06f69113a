/** When a limit is drawn on and holds. */
import type { Limit } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';

/**
 * - `hello`: every ClientHello that was read.
 * - `accept`: a ClientHello that is accepted, whose handshake is about to begin.
 * - `certificate`: the same where the key is made of the client's certificate, so only once it is there.
 * - `request`: every HTTP request.
 * - `late`: whenever its event happens, which nothing can be done about; it holds at the next ClientHello.
 */
export type LimitMoment = 'hello' | 'accept' | 'certificate' | 'request' | 'late';

export function momentOf({ event, key }: Limit): LimitMoment {
  switch (event) {
    case 'hello':
    case 'request':
      return event;
    case 'handshake':
      return key.some(({ fact }) => FACTS[fact]!.phase === 'cert') ? 'certificate' : 'accept';
    default:
      return 'late';
  }
}
