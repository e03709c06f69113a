/** The supervisor's batch work: what somebody waits for, and what nobody does, which leaves the processor to the traffic. */
import { extname } from 'node:path';
import type { Piscina } from 'piscina';
import { startBatchWorkers } from '../batch/workers.ts';

/** A busy machine may not come to what leaves it to others for so long; then it is done as what somebody waits for. */
const PATIENCE_MS = 15_000;

export class BatchWork {
  readonly #prompt: Piscina;
  readonly #quiet: Piscina;
  readonly #patienceMs: number;

  constructor(patienceMs: number = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
    this.#prompt = startBatchWorkers(1);
    // The module beside this one, in the form this one runs in (source or built).
    const task = new URL(`./background-task${extname(import.meta.filename)}`, import.meta.url);
    this.#quiet = startBatchWorkers(1, undefined, task);
  }

  /** Runs a task of `batch/task.ts`; without a name its default, which compiles a policy. */
  run(task: unknown, name = 'default'): Promise<unknown> {
    return this.#prompt.run(task, { name });
  }

  /** As `run`, where nobody waits for it. */
  async runQuietly(task: unknown, name = 'default'): Promise<unknown> {
    const signal = AbortSignal.timeout(this.#patienceMs);
    try {
      return await this.#quiet.run(task, { name, signal });
    } catch (error) {
      if (!signal.aborted) throw error;
      return await this.run(task, name);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#prompt.destroy(), this.#quiet.destroy()]);
  }
}
