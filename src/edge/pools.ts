/** The two worker pools of the process: one carries traffic, the other does what is long or bulky. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { WorkerTask } from './messages.ts';

/** The module beside this one, in the form this one runs in (source or built). */
function moduleFile(name: string): string {
  return fileURLToPath(new URL(`./${name}${extname(import.meta.filename)}`, import.meta.url));
}

/** A compile worker that had nothing to do for so long is let go. */
const BATCH_IDLE_MS = 10_000;

export function createEdgePool(threads: number): Piscina {
  return new Piscina({
    filename: moduleFile('worker'),
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

/** Workers that compile policies, one unless a command has many to compile. */
export function createBatchPool(maxThreads: number = 1): Piscina {
  return new Piscina({
    filename: moduleFile('batch'),
    minThreads: 0,
    maxThreads,
    idleTimeout: BATCH_IDLE_MS,
    atomics: 'sync',
    recordTiming: false,
  });
}

/** Runs an edge worker until it ends; rejects when its thread is lost. */
export async function runInPool(pool: Piscina, task: WorkerTask): Promise<void> {
  // why: Piscina derives this type from an overload of postMessage that Node's newer types list last.
  const transferList = [task.port] as unknown as NonNullable<Parameters<Piscina['run']>[1]>['transferList'];
  await pool.run(task, { transferList: transferList! });
}
