/** Runs a policy's own `test` blocks on the decision core, as the edge would decide. */
import type { Core } from '../core/core.ts';
import { encodeTables, FeedError } from '../core/image.ts';
import type { PolicyTest } from '../pdl/compile/compile.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import { runTests, type TestSituation } from '../pdl/testing/test-run.ts';
import { Engine } from './engine.ts';
import { setFact } from './fact-values.ts';
import { History, memoryOfOne } from './history.ts';
import type { Verdict } from './verdict.ts';

export interface PolicyTestResult {
  /** One error for each expectation that did not hold. */
  readonly diagnostics: readonly Diagnostic[];
  /** Tests all of whose expectations held. */
  readonly passed: number;
}

/** `image` is the encoded `program`; `core` is left with the last test's tables. */
export function runPolicyTests(
  core: Core,
  program: Program,
  image: Uint8Array,
  tests: readonly PolicyTest[],
): PolicyTestResult {
  const engine = new Engine(core, new History(memoryOfOne()));

  function evaluate({ facts, feeds, rates, siteIndex }: TestSituation): Verdict {
    const tables = encodeTables(program, feeds);
    engine.load({ program, image, imageId: '', tables, secrets: [] }, 1);
    core.begin();
    for (const [name, value] of Object.entries(facts)) setFact(core, name, value);
    for (const index of program.counters.keys()) core.setRate(index, rates.get(index) ?? 0);
    return engine.explainSite(siteIndex, 'request');
  }

  const diagnostics: Diagnostic[] = [];
  let passed = 0;
  for (const test of tests) {
    try {
      const [result] = runTests(program, [test], evaluate);
      diagnostics.push(...result!.failures);
      if (result!.failures.length === 0) passed++;
    } catch (error) {
      if (!(error instanceof FeedError)) throw error;
      const message = `test "${test.name}": ${error.message}`;
      diagnostics.push({
        code: 'PDL-E002',
        severity: 'error',
        message,
        ...test.span,
        help: 'correct the given feed',
      });
    }
  }
  return { diagnostics, passed };
}
