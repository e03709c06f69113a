/** Who a connection is from, as far as counters, limits and clearances can tell clients apart. */
import type { HelloView } from '../core/hello.ts';
import type { ConnectionFacts } from './engine.ts';

/** Known at accept; the last three from the ClientHello on, null before it and when it lacks them. */
export interface Client {
  readonly ip: Uint8Array;
  readonly isV4: boolean;
  readonly listener: string;
  readonly sni: string | null;
  readonly ja3: string | null;
  readonly ja4: string | null;
}

export function clientAtAccept(facts: ConnectionFacts): Client {
  return { ip: facts.ip, isV4: facts.isV4, listener: facts.listener, sni: null, ja3: null, ja4: null };
}

export function clientAtHello(facts: ConnectionFacts, hello: HelloView): Client {
  return {
    ip: facts.ip,
    isV4: facts.isV4,
    listener: facts.listener,
    sni: hello.sni,
    ja3: hello.ja3Hash,
    ja4: hello.ja4,
  };
}
