/** Runs a policy's own `test` blocks on the decision core, as the edge would decide. */

import type { Core } from '../core/core.ts';
import { encodeTables, FeedError } from '../core/image.ts';
import type { PolicyTest } from '../pdl/compile/compile.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { Program } from '../pdl/ir.ts';
import { runTest, type TestResult, type TestSituation } from '../pdl/testing/test-run.ts';
import { bareBundle } from './bundle.ts';
import type { Client } from './client.ts';
import { Engine } from './engine.ts';
import { setFact } from './fact-values.ts';
import { setGivenLists } from './given-lists.ts';
import { History } from './history.ts';
import { parseIp } from './ip.ts';
import { memoryOfOne } from './shared-tables.ts';
import type { Verdict } from './verdict.ts';

/** Draws that lie in every canary, and in none that leaves anybody out. */
const ARMS = [
  { of: 'in every canary', draw: 0 },
  { of: 'in no canary', draw: 999_999 },
] as const;

/**
 * `image` is the encoded `program`; `core` is left with the last test's tables. A test is judged on the side of each
 * canary that its client is on, or with `bothArms` twice where there are canaries: on one side of all, and on the other.
 */
export function runPolicyTests(
  core: Core,
  program: Program,
  image: Uint8Array,
  tests: readonly PolicyTest[],
  bothArms: boolean = false,
): TestResult[] {
  const history = new History(memoryOfOne());
  const engine = new Engine(core, history);

  function evaluate(draw: number | null, { facts, feeds, rates, siteIndex }: TestSituation): Verdict {
    const tables = encodeTables(program, feeds);
    engine.load(bareBundle({ program, image, imageId: '', tables }), 1);
    core.begin();
    for (const [name, value] of Object.entries(facts)) setFact(core, name, value);
    const client = clientOf(facts);
    if (client !== null) history.learn(core, client);
    if (draw !== null) for (const index of program.canaries.keys()) core.setDraw(index, draw);
    for (const index of program.counters.keys()) core.setRate(index, rates.get(index) ?? 0);
    setGivenLists(core, program, feeds, facts['conn.ip']);
    return engine.explainSite(siteIndex, 'request');
  }

  function run(test: PolicyTest, draw: number | null): TestResult {
    try {
      return runTest(program, test, (situation) => evaluate(draw, situation));
    } catch (error) {
      if (!(error instanceof FeedError)) throw error;
      return couldNotRun(test, error.message);
    }
  }

  if (!bothArms || program.canaries.length === 0) return tests.map((test) => run(test, null));
  return tests.flatMap((test) =>
    ARMS.map(({ of, draw }) => run({ ...test, name: `${test.name} (${of})` }, draw)),
  );
}

/** Whom canaries are drawn for: as on the edge, the same client is always on the same side. Null: no address is given. */
function clientOf(facts: TestSituation['facts']): Client | null {
  const text = (name: string): string | null => {
    const value = facts[name];
    return typeof value === 'string' ? value : null;
  };
  const address = parseIp(text('conn.ip') ?? '');
  if (address === null) return null;
  return {
    ...address,
    listener: text('conn.listener') ?? '',
    origin: {
      country: text('conn.country'),
      asn: typeof facts['conn.asn'] === 'number' ? facts['conn.asn'] : null,
      organization: null,
    },
    sni: text('hello.sni'),
    ja3: text('hello.ja3'),
    ja4: text('hello.ja4'),
    others: new Map(),
    historyKeys: null,
  };
}

function couldNotRun({ name, site, span }: PolicyTest, reason: string): TestResult {
  const message = `test "${name}": ${reason}`;
  const diagnostic: Diagnostic = {
    code: 'PDL-E002',
    severity: 'error',
    message,
    ...span,
    help: 'correct the given feed',
  };
  return { name, site, span, passed: false, comparisons: [], answer: null, diagnostics: [diagnostic] };
}
