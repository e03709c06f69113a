/** Loads tables beside the traffic of a thread. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Core } from './core.ts';

/** Bytes of one step: well below a millisecond of copying, about one of verifying. */
const STEP_BYTES = 256 * 1024;
/** After so long the loop gets its turn. */
const TURN_MS = 2;

/**
 * As `core.loadTables`, but gives the event loop a turn every two milliseconds: a million prefixes take a hundred.
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
    await nextTurn();
  }
}
