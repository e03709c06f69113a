/** Runs the `test` blocks of a policy against whatever evaluates it. */

import type { Diagnostic } from '../diagnostics/diagnostic.ts';
import type { Policy, Program, Site, Span, Verdict } from '../ir.ts';
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
  /** What added to the score, before groups and the clamp bound it. */
  readonly parts: readonly { readonly name: string; readonly points: number }[];
  /** Names of the rules and signals that held. */
  readonly matched: readonly string[];
  /** Names of the shadow rules and signals that held. */
  readonly wouldMatch: readonly string[];
  readonly challenge: { readonly name: string } | null;
}

/** One line of `expect` beside what was found; both as a policy would write them, such as `policy low`. */
export interface Comparison {
  readonly expected: string;
  readonly found: string;
  readonly holds: boolean;
  readonly span: Span;
}

/** How one test went. */
export interface TestResult {
  readonly name: string;
  readonly site: string;
  readonly span: Span;
  readonly passed: boolean;
  /** One for each line of `expect`; empty when the test could not run. */
  readonly comparisons: readonly Comparison[];
  /** Null when the test could not run. */
  readonly answer: TestAnswer | null;
  /** One error for each expectation that was not met, or why the test could not run. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Runs one test; `evaluate` must not keep anything from one situation to the next. */
export function runTest(
  program: Program,
  test: PolicyTest,
  evaluate: (situation: TestSituation) => TestAnswer,
): TestResult {
  const { name, site, siteIndex, span, facts, feeds, rates } = test;
  const answer = evaluate({ facts, feeds, rates, site: program.sites[siteIndex]!, siteIndex });
  const comparisons = compare(program, test, answer);
  const diagnostics = judge(test, answer, comparisons);
  return { name, site, span, passed: diagnostics.length === 0, comparisons, answer, diagnostics };
}

/** Each line of `expect` beside the answer. */
export function compare(program: Program, test: PolicyTest, answer: TestAnswer): Comparison[] {
  return test.expect.map((expectation) => ({
    ...compareOne(program, test, expectation, answer),
    span: expectation.span,
  }));
}

/** One error, at the expectation, for each that the answer does not meet. */
export function judge(
  test: PolicyTest,
  answer: TestAnswer,
  comparisons: readonly Comparison[],
): Diagnostic[] {
  return comparisons
    .filter(({ holds }) => !holds)
    .map(({ expected, found, span }): Diagnostic => {
      const message = `test "${test.name}": expected \`${expected}\`, found \`${found}\``;
      return { code: 'PDL-E001', severity: 'error', message, ...span, help: describeAnswer(answer) };
    });
}

function describeAnswer({ policy, action, score, matched, challenge }: TestAnswer): string {
  const names = matched.length === 0 ? 'nothing' : matched.join(', ');
  const posed = challenge === null ? 'no challenge' : `challenge ${challenge.name}`;
  return `the answer was policy ${policy?.name ?? 'none'}, ${showVerdict(action)}, score ${score}, ${posed}; matched: ${names}`;
}

/** A verdict as a policy writes it: `refuse alert access_denied`. */
export function showVerdict(verdict: Verdict): string {
  if (verdict.action === 'refuse') return `refuse alert ${verdict.alert}`;
  if (verdict.action !== 'tarpit') return verdict.action;
  const { durationMs } = verdict;
  return `tarpit ${durationMs % 1000 === 0 ? `${durationMs / 1000}s` : `${durationMs}ms`}`;
}

/** A line about names of rules and signals beside what was found. */
function named(
  word: string,
  wanted: readonly string[],
  foundWord: string,
  found: readonly string[],
  holds: boolean,
): Omit<Comparison, 'span'> {
  const show = (names: readonly string[]): string => (names.length === 0 ? '{ }' : `{ ${names.join(', ')} }`);
  return { expected: `${word} ${show(wanted)}`, found: `${foundWord} ${show(found)}`, holds };
}

function compareOne(
  program: Program,
  test: PolicyTest,
  expected: Expectation,
  answer: TestAnswer,
): Omit<Comparison, 'span'> {
  const same = (word: string, wanted: string, found: string): Omit<Comparison, 'span'> => ({
    expected: `${word} ${wanted}`,
    found: `${word} ${found}`,
    holds: wanted === found,
  });
  switch (expected.kind) {
    case 'policy':
      return same('policy', expected.policy, answer.policy?.name ?? 'none');
    case 'action':
      return same('action', showVerdict(expected.verdict), showVerdict(answer.action));
    case 'score': {
      const { from, to } = expected;
      return {
        expected: `score ${from === to ? from : `${from}..${to}`}`,
        found: `score ${answer.score}`,
        holds: answer.score >= from && answer.score <= to,
      };
    }
    case 'matched':
    case 'would_match': {
      const found = expected.kind === 'matched' ? answer.matched : answer.wouldMatch;
      // why: an empty set says that nothing matched; otherwise it would say nothing at all.
      const none = expected.names.length === 0;
      const holds = none ? found.length === 0 : expected.names.every((name) => found.includes(name));
      return named(expected.kind, expected.names, expected.kind, found, holds);
    }
    case 'not_matched': {
      const holds = !expected.names.some((name) => answer.matched.includes(name));
      return named('not_matched', expected.names, 'matched', answer.matched, holds);
    }
    case 'challenge':
      return same('challenge', expected.challenge ?? 'none', answer.challenge?.name ?? 'none');
    case 'negotiates': {
      const policy = program.policies.find(({ name }) => name === answer.policy?.name);
      const code = policy ? negotiate(policy, test.facts)[expected.what] : null;
      const found = code === null ? `no ${expected.what}` : showCode({ ...expected, code });
      return same('negotiates', showCode(expected), found);
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
