/** `sys.handshakes`: completed handshakes of all workers. */

import { NAMESPACE } from './client-key.ts';
import type { Tables } from './shared-tables.ts';

const WINDOW_MS = 10_000;

type Place = Pick<Tables, 'rates' | 'hasher'>;

function hash({ hasher }: Place): void {
  hasher.begin(NAMESPACE.process);
  hasher.end();
}

export function countHandshake(tables: Place, nowMs: number): void {
  hash(tables);
  tables.rates.hit(tables.hasher, WINDOW_MS, nowMs);
}

/** In events per second × 1e6. */
export function handshakeRate(tables: Place, nowMs: number): number {
  hash(tables);
  return tables.rates.rate(tables.hasher, WINDOW_MS, nowMs);
}
