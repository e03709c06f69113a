/** Runs a policy's own `test` blocks on the decision core, as the edge would decide. */
import { createTable } from '../limit/shared-table.ts';
import { BucketTable } from '../limit/bucket-table.ts';
import { ClearanceTable } from '../limit/clearance-table.ts';
import { KeyHasher } from '../limit/key.ts';
import { RateTable } from '../limit/rate-table.ts';
import type { Core } from '../core/core.ts';
import { encodeTables } from '../core/image.ts';
import type { PolicyTest } from '../pdl/compile.ts';
import type { Diagnostic } from '../pdl/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import { judge } from '../pdl/test-run.ts';
import { Engine } from './engine.ts';
import { setFact } from './fact-values.ts';
import { History, type Tables } from './history.ts';
import type { Verdict } from './verdict.ts';

export interface PolicyTestResult {
  /** One error for each expectation that did not hold. */
  readonly diagnostics: readonly Diagnostic[];
  /** Tests all of whose expectations held. */
  readonly passed: number;
}

/** Tables that remember nothing of interest: a test decides about one client at a time. */
export function emptyTables(): Tables {
  return {
    rates: new RateTable(createTable(1)),
    buckets: new BucketTable(createTable(1)),
    clearances: new ClearanceTable(createTable(1)),
    hasher: new KeyHasher(new Uint8Array(16)),
  };
}
