/** A worker that captures contexts while other threads do the same, and reports how many it configured. */

import { createSecureContext } from 'node:tls';
import { parentPort } from 'node:worker_threads';
import { loadAddon } from '../../src/edge/addon.ts';

const addon = loadAddon().addon?.tls;
let configured = 0;
for (let round = 0; round < 50; round++) {
  const { handle } = addon!.captureContext(() => createSecureContext());
  if (addon!.configureContext(handle, { tickets: 0 }) === null) configured++;
}
parentPort!.postMessage(configured);
