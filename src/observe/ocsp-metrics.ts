/** What OCSP tells of our own certificates and of clients', in metrics. */
import { Counter, Gauge, type Registry } from 'prom-client';

export type StapleResult = 'good' | 'revoked' | 'failed';

/** How the answer about one certificate is. */
export interface StapleHealth {
  /** As the configuration calls it. */
  readonly certificate: string;
  /** Until when the answer in use may be stapled, in milliseconds since the epoch; null: none is. */
  readonly untilMs: number | null;
  readonly mustStaple: boolean;
  /** Failed attempts since the last good answer, and why the last one failed. */
  readonly failures: number;
  readonly reason: string | null;
  /** Since the start. */
  readonly results: Readonly<Record<StapleResult, number>>;
}

/** Client certificates that OCSP was asked about: those whose status was known, and questions to responders. */
export interface OcspCounts {
  readonly hits: number;
  readonly misses: number;
}

export function registerOcsp(
  registry: Registry,
): (staples: readonly StapleHealth[], clients: OcspCounts) => void {
  const registers = [registry];
  const left = new Gauge({
    name: 'sallyport_ocsp_staple_seconds',
    help: 'How long the OCSP answer about a certificate may still be stapled; 0: none is.',
    labelNames: ['certificate'],
    registers,
  });
  const refreshes = new Counter({
    name: 'sallyport_ocsp_staple_refreshes_total',
    help: 'OCSP answers about certificates of the edge, by what came of asking.',
    labelNames: ['certificate', 'result'],
    registers,
  });
  const lookups = new Counter({
    name: 'sallyport_ocsp_lookups_total',
    help: 'Client certificates that OCSP was asked about: known already, or asked of a responder.',
    labelNames: ['result'],
    registers,
  });
  return (staples, { hits, misses }) => {
    lookups.reset();
    lookups.inc({ result: 'hit' }, hits);
    lookups.inc({ result: 'miss' }, misses);
    for (const metric of [left, refreshes]) metric.reset();
    for (const { certificate, untilMs, results } of staples) {
      left.set({ certificate }, untilMs === null ? 0 : Math.max(0, (untilMs - Date.now()) / 1_000));
      for (const [result, total] of Object.entries(results)) refreshes.inc({ certificate, result }, total);
    }
  };
}
