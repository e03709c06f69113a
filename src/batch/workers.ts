/** The pool of batch workers: what is long or bulky, away from the event loops that carry traffic. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { BatchSetup } from './setup.ts';

/** Batch work waits for what carries traffic (ignored where Piscina's optional `nice` is not installed). */
const NICE = 10;
/** A worker that had nothing to do for so long is let go. */
const IDLE_MS = 10_000;

/** The module beside this one, in the form this one runs in (source or built). */
const TASK = new URL(`./task${extname(import.meta.filename)}`, import.meta.url);

/**
 * `setup` is what `analyze` and `score` work with; compiling policies needs none.
 * @param task A module that does what `task.ts` does.
 */
export function startBatchWorkers(threads: number, setup?: BatchSetup, task: URL = TASK): Piscina {
  const workers = new Piscina({
    filename: fileURLToPath(task),
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: IDLE_MS,
    concurrentTasksPerWorker: 1,
    atomics: 'sync',
    recordTiming: false,
    niceIncrement: NICE,
    workerData: setup,
  });
  // Told when a worker ends that was at no task: nobody waits for it, and the next task starts another.
  return workers.on('error', () => {});
}
