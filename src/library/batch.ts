/** Many hellos or many scores at once: replays, offline scoring, what-if questions. */
import { type BatchPool, type BatchSettings, openBatchPool } from '../batch/batch-pool.ts';
import { compilePolicyFile } from '../orchestrator/compile-policy.ts';
import { PolicyError } from './engine.ts';

export type { BatchDecision, BatchHello, BatchPool, HelloAnalysis } from '../batch/batch-pool.ts';
export type { Columns } from '../batch/columns.ts';

export interface BatchOptions extends Omit<BatchSettings, 'bundle'> {
  /** Path of the policy file that decides; without one hellos are only analysed. */
  readonly policy?: string;
}

/**
 * Opens a pool; close it when it is no longer needed.
 * @throws PolicyError, or RangeError for an option out of range.
 */
export function createBatchPool({ policy, ...settings }: BatchOptions = {}): BatchPool {
  if (policy === undefined) return openBatchPool(settings);
  const { bundle, diagnostics } = compilePolicyFile({
    path: policy,
    host: null,
    // why: nothing here needs a secret, so none is read.
    purpose: 'check',
    env: {},
  });
  if (bundle === null) throw new PolicyError(diagnostics);
  return openBatchPool({ ...settings, bundle });
}
