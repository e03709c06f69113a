/** A worker that accepts, holds what it accepted in a waiter, and never stops by itself. */
import { parentPort, workerData } from 'node:worker_threads';
import { loadAddon } from '../../src/edge/addon.ts';

const { addon } = loadAddon();
const { fd } = workerData as { readonly fd: number };
const waiter = addon!.waiter(() => {});
addon!.accept(
  fd,
  { batch: 16, peekBytes: 1_024 },
  (batch) => {
    for (let index = 0; index < batch.count; index++) waiter.wait(batch.take(index), 0);
    parentPort!.postMessage(batch.count);
  },
  (error) => {
    throw error;
  },
);
parentPort!.postMessage('ready');
