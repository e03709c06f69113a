/** How the MaxMind databases are, in metrics. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { DatabaseHealth } from '../profile/address/origin-store.ts';

export function registerDatabases(registry: Registry): (databases: readonly DatabaseHealth[]) => void {
  const registers = [registry];
  const labelNames = ['database'] as const;
  const gauge = (name: string, help: string): Gauge<'database'> =>
    new Gauge({ name, help, labelNames, registers });
  const built = gauge('sallyport_database_built_timestamp_seconds', 'When the database in use was built.');
  const bytes = gauge('sallyport_database_bytes', 'Memory of the database in use, shared by all workers.');
  const stale = gauge('sallyport_database_file_refused', '1 while its file as it is now is refused.');
  const loads = new Counter({
    name: 'sallyport_database_loads_total',
    help: 'Loads of databases, by result.',
    labelNames: ['database', 'result'],
    registers,
  });
  return (databases) => {
    for (const metric of [built, bytes, stale, loads]) metric.reset();
    for (const { database, builtAt, bytes: size, results, reason } of databases) {
      if (builtAt !== null) built.set({ database }, builtAt);
      bytes.set({ database }, size);
      stale.set({ database }, reason === null ? 0 : 1);
      for (const [result, total] of Object.entries(results)) loads.inc({ database, result }, total);
    }
  };
}
