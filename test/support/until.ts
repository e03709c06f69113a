/** Waiting for what another thread or process does. */
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

const PATIENCE_MS = 20_000;

/** Resolves once it holds; fails the test with `what` when it never does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = Date.now(); Date.now() - start < PATIENCE_MS; await delay(10)) if (await holds()) return;
  assert.fail(`it never came to this: ${what}`);
}
