/** Who a connection is from, as far as counters, limits and clearances can tell clients apart. */
import type { HelloView } from '../core/hello.ts';
import type { ConnectionFacts } from './engine.ts';

/** Known at accept; the names and fingerprints from the ClientHello on, null before it and when it lacks them. */
export interface Client {
  readonly ip: Uint8Array;
  readonly isV4: boolean;
  readonly listener: string;
  readonly sni: string | null;
  readonly ja3: string | null;
  readonly ja4: string | null;
  /** Number of the autonomous system; null when it is not known. */
  asn: number | null;
  /** Other facts that the policy's keys are made of, by index; those not known are not in it. */
  others: ReadonlyMap<number, string | number>;
}

const NONE: Client['others'] = new Map();

export function clientAtAccept(facts: ConnectionFacts): Client {
  const { ip, isV4, listener } = facts;
  return { ip, isV4, listener, sni: null, ja3: null, ja4: null, asn: null, others: NONE };
}

export function clientAtHello(facts: ConnectionFacts, hello: HelloView): Client {
  const { ip, isV4, listener } = facts;
  const { sni, ja3Hash, ja4 } = hello;
  return { ip, isV4, listener, sni, ja3: ja3Hash, ja4, asn: null, others: NONE };
}
