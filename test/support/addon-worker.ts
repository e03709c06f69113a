/** A worker that accepts, waits on what it accepted, and never stops by itself. Posts the descriptors. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadAddon } from '../../src/edge/addon.ts';

const { addon } = loadAddon();
const { fd } = workerData as { readonly fd: number };
const waiter = addon!.waiter(() => {});
addon!.accept(
  fd,
  { batch: 16, peekBytes: 1_024 },
  (batch) => {
    const taken = Array.from({ length: batch.count }, (_, index) => batch.take(index));
    for (const held of taken) waiter.wait(held, 0);
    parentPort!.postMessage(taken);
  },
  (error) => {
    throw error;
  },
);
parentPort!.postMessage('ready');
