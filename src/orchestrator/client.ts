/** Who a connection is from, as far as counters, limits and clearances can tell clients apart. */
import type { HelloView } from '../core/hello.ts';
import type { Key } from '../limit/key.ts';
import { type Origin, UNKNOWN_ORIGIN } from '../profile/address/origins.ts';
import type { ConnectionFacts } from './engine.ts';

/** Known at accept; the names and fingerprints from the ClientHello on, null before it and when it lacks them. */
export interface Client {
  readonly ip: Uint8Array;
  readonly isV4: boolean;
  readonly listener: string;
  /** Where the address is from. */
  readonly origin: Origin;
  readonly sni: string | null;
  readonly ja3: string | null;
  readonly ja4: string | null;
  /** Other facts that the policy's keys are made of, by index; those not known are not in it. */
  others: ReadonlyMap<number, string | number>;
  /** What history knows it by, in each of its scopes; null until that is asked for, and for a scope it is not known in. */
  historyKeys: readonly (Key | null)[] | null;
}

const NONE: Client['others'] = new Map();

export function clientAtAccept(
  { ip, isV4, listener }: ConnectionFacts,
  origin: Origin = UNKNOWN_ORIGIN,
): Client {
  return { ip, isV4, listener, origin, sni: null, ja3: null, ja4: null, others: NONE, historyKeys: null };
}

export function clientAtHello(
  { ip, isV4, listener }: ConnectionFacts,
  hello: HelloView,
  origin: Origin = UNKNOWN_ORIGIN,
): Client {
  return {
    ip,
    isV4,
    listener,
    origin,
    sni: hello.sni,
    ja3: hello.ja3Hash,
    ja4: hello.ja4,
    others: NONE,
    historyKeys: null,
  };
}
