/** Runs the `test` blocks of a policy against whatever evaluates it. */

import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy, Program, Site, Verdict } from '../ir.ts';
import { CIPHER_NAMES, GROUP_NAMES } from '../registry/iana.ts';
import type { Expectation, FactValue, PolicyTest } from './compile-test.ts';

/** What an evaluator is asked: the world of one test, and the site that decides. */
export interface TestSituation {
  /** Every fact by name; those that are missing or null are unknown. */
  readonly facts: Readonly<Record<string, FactValue>>;
  readonly feeds: PolicyTest['feeds'];
  readonly rates: PolicyTest['rates'];
  readonly site: Site;
  /** Index of `site` in `Program.sites`. */
  readonly siteIndex: number;
}

export interface TestAnswer {
  /** Null when a rule's verdict needs no policy. */
  readonly policy: Pick<Policy, 'name'> | null;
  readonly action: Verdict;
  readonly score: number;
  /** Names of the rules and signals that held. */
  readonly matched: readonly string[];
  /** Names of the shadow rules and signals that held. */
  readonly wouldMatch: readonly string[];
  readonly challenge: { readonly name: string } | null;
}

export interface TestResult {
  readonly test: PolicyTest;
  /** One for each expectation that was not met. */
  readonly failures: readonly Diagnostic[];
}

/** Runs every test; `evaluate` must not keep anything from one situation to the next. */
export function runTests(
  program: Program,
  tests: readonly PolicyTest[],
  evaluate: (situation: TestSituation) => TestAnswer,
): TestResult[] {
  return tests.map((test) => {
    const { facts, feeds, rates, siteIndex } = test;
    const answer = evaluate({ facts, feeds, rates, site: program.sites[siteIndex]!, siteIndex });
    const failures = judge(program, test, answer);
    return { test, failures };
  });
}

/** One error, at the expectation, for each that the answer does not meet. */
export function judge(program: Program, test: PolicyTest, answer: TestAnswer): Diagnostic[] {
  return test.expect.flatMap((expectation): Diagnostic[] => {
    const found = mismatch(program, test, expectation, answer);
    if (found === null) return [];
    const { file, line, column, endLine, endColumn } = expectation.span;
    const message = `test "${test.name}": ${found}`;
    const help = describeAnswer(answer);
    return [{ code: 'PDL-E001', severity: 'error', message, file, line, column, endLine, endColumn, help }];
  });
}

function describeAnswer({ policy, action, score, matched, challenge }: TestAnswer): string {
  const names = matched.length === 0 ? 'nothing' : matched.join(', ');
  const posed = challenge === null ? 'no challenge' : `challenge ${challenge.name}`;
  return `the answer was policy ${policy?.name ?? 'none'}, ${showVerdict(action)}, score ${score}, ${posed}; matched: ${names}`;
}

function showVerdict(verdict: Verdict): string {
  if (verdict.action === 'refuse') return `refuse alert ${verdict.alert}`;
  return verdict.action === 'tarpit' ? `tarpit ${verdict.durationMs}ms` : verdict.action;
}

/** What differs from the expectation, or null. */
function mismatch(
  program: Program,
  test: PolicyTest,
  expected: Expectation,
  answer: TestAnswer,
): string | null {
  switch (expected.kind) {
    case 'policy':
      return answer.policy?.name === expected.policy ? null : `policy ${expected.policy} was expected`;
    case 'action': {
      const wanted = showVerdict(expected.verdict);
      return showVerdict(answer.action) === wanted ? null : `${wanted} was expected`;
    }
    case 'score': {
      if (answer.score >= expected.from && answer.score <= expected.to) return null;
      const wanted = expected.from === expected.to ? expected.from : `${expected.from} to ${expected.to}`;
      return `a score of ${wanted} was expected`;
    }
    case 'matched':
    case 'would_match': {
      const found = expected.kind === 'matched' ? answer.matched : answer.wouldMatch;
      const missing = expected.names.filter((name) => !found.includes(name));
      const verb = expected.kind === 'matched' ? 'have matched' : 'have matched in the shadow';
      if (missing.length > 0) return `${missing.join(', ')} should ${verb}`;
      // why: an empty set says that nothing matched; otherwise it would say nothing at all.
      const surplus = expected.names.length === 0 && found.length > 0;
      return surplus ? `nothing should ${verb}, but ${found.join(', ')} did` : null;
    }
    case 'not_matched': {
      const surplus = expected.names.filter((name) => answer.matched.includes(name));
      return surplus.length === 0 ? null : `${surplus.join(', ')} should not have matched`;
    }
    case 'challenge': {
      const found = answer.challenge?.name ?? null;
      return found === expected.challenge ? null : `challenge ${expected.challenge ?? 'none'} was expected`;
    }
    case 'negotiates': {
      const policy = program.policies.find(({ name }) => name === answer.policy?.name);
      const found = policy ? negotiate(policy, test.facts)[expected.what] : null;
      return found === expected.code
        ? null
        : `${expected.what} ${showCode(expected)} was expected, not ${found === null ? 'none' : showCode({ ...expected, code: found })}`;
    }
  }
}

function showCode({ what, code }: { what: 'version' | 'cipher' | 'group'; code: number }): string {
  if (what === 'version') return `tls1.${code - 0x0301}`;
  const names = what === 'cipher' ? CIPHER_NAMES : GROUP_NAMES;
  return names.get(code) ?? `0x${code.toString(16)}`;
}

type Negotiated = Readonly<Record<'version' | 'cipher' | 'group', number | null>>;

/** What a handshake under the policy's profile settles on with the client of a test. */
export function negotiate({ tls }: Policy, facts: Readonly<Record<string, FactValue>>): Negotiated {
  const offered = (name: string): number[] => {
    const value = facts[name];
    return Array.isArray(value) ? value.map(Number) : [];
  };
  const versions = offered('hello.versions').filter((v) => v >= tls.minVersion && v <= tls.maxVersion);
  const version = versions.length === 0 ? null : Math.max(...versions);
  const fits = (code: number): boolean => (code >> 8 === 0x13) === (version === 0x0304);
  const choose = (own: readonly number[], theirs: readonly number[]): number | null => {
    const [first, second] = tls.prefer === 'server' ? [own, theirs] : [theirs, own];
    return first.find((code) => second.includes(code)) ?? null;
  };
  const cipher =
    version === null ? null : choose(tls.ciphers.filter(fits), offered('hello.ciphers').filter(fits));
  return { version, cipher, group: version === null ? null : choose(tls.groups, offered('hello.groups')) };
}
