/** The pool of edge workers, which carries the traffic. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { WorkerTask } from './messages.ts';

export function createEdgePool(threads: number): Piscina {
  // The module beside this one, in the form this one runs in (source or built).
  const worker = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url);
  return new Piscina({
    filename: fileURLToPath(worker),
    minThreads: threads,
    // why: a worker that failed drains while its successor already accepts.
    maxThreads: threads * 2,
    concurrentTasksPerWorker: 1,
    idleTimeout: 1_000,
    // why: with Atomics a worker would block its event loop, on which the connections live.
    atomics: 'disabled',
    recordTiming: false,
  });
}

/** Runs an edge worker until it ends; rejects when its thread is lost. */
export async function runInPool(pool: Piscina, task: WorkerTask): Promise<void> {
  // why: Piscina derives this type from an overload of postMessage that Node's newer types list last.
  const transferList = [task.port] as unknown as NonNullable<Parameters<Piscina['run']>[1]>['transferList'];
  await pool.run(task, { transferList: transferList! });
}
