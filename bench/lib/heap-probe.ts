/**
 * Loaded into every thread of a server with `--expose-gc --import`: after SIGUSR2 each collects its garbage and the
 * main thread writes what is left on all heaps, and what they hold outside, as one line of bytes to `heap.log`.
 */
import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

export const HEAP_LOG = 'heap.log';
/** Threads that answer later are not counted. */
const PATIENCE_MS = 500;

function held(): number {
  // why: what finalizers let go of in the first is only then free for the second.
  for (let i = 0; i < 2; i++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const channel = new BroadcastChannel('heap-probe');
channel.unref();
if (isMainThread) {
  let total = 0;
  channel.onmessage = ({ data }: { data: unknown }) => {
    if (typeof data === 'number') total += data;
  };
  process.on('SIGUSR2', async () => {
    total = held();
    channel.postMessage('measure');
    await delay(PATIENCE_MS);
    appendFileSync(HEAP_LOG, `${total}\n`);
  });
} else {
  channel.onmessage = ({ data }: { data: unknown }) => {
    if (data === 'measure') channel.postMessage(held());
  };
}
