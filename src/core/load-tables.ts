/** Loads tables beside the traffic of a thread. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Core } from './core.ts';

/** Bytes of one step: a few hundredths of a millisecond of copying, up to half a one of verifying. */
const STEP_BYTES = 64 * 1024;
/** After so long the loop gets its turn, and then the processor to itself for a while. */
const TURN_MS = 0.5;
const REST_MS = 1;

/**
 * As `core.loadTables`, but takes turns with the event loop of half a millisecond and a rest: a million prefixes take a
 * third of a second, of which the loop has two thirds.
 * The core may be used meanwhile, with the previous tables, but not for loading others.
 */
export async function loadTablesGradually(core: Core, tables: Uint8Array): Promise<number> {
  let status = core.reserveTables(tables);
  if (status < 0) return status;
  for (;;) {
    const end = performance.now() + TURN_MS;
    do status = core.stepTables(STEP_BYTES);
    while (status === 1 && performance.now() < end);
    if (status !== 1) return status;
    await delay(REST_MS);
  }
}
