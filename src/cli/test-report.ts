/** How the results of `sallyport test` are told: to people, as JSON lines, as JUnit. */
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { type Comparison, showVerdict, type TestAnswer, type TestResult } from '../pdl/testing/test-run.ts';
import type { Paint } from './style.ts';

/** What came of one policy file. */
export interface TestedFile {
  /** As it is shown: relative to the working directory when it lies below. */
  readonly file: string;
  readonly results: readonly TestResult[];
  /** Errors that kept the tests from running; empty when they ran. */
  readonly problems: readonly Diagnostic[];
  readonly durationMs: number;
}

export const failedIn = ({ results, problems }: TestedFile): number =>
  results.filter(({ passed }) => !passed).length + (problems.length > 0 ? 1 : 0);

/** A tick or a cross for every test, and under a cross the `expect` block as a difference. */
export function humanReport({ file, results, problems }: TestedFile, paint: Paint): string {
  const lines = [paint('bold', file)];
  for (const result of results) {
    if (result.passed) {
      lines.push(`  ${paint('green', '✓')} ${result.name}`);
      continue;
    }
    const place = paint('dim', `${file}:${result.span.line}`);
    lines.push(`  ${paint('red', '✗')} ${result.name}  ${place}`, '', ...difference(result, paint), '');
  }
  if (problems.length > 0) lines.push(`  ${paint('red', '✗')} cannot be tested: it has errors`);
  return lines.join('\n').trimEnd();
}

function difference(result: TestResult, paint: Paint): string[] {
  const { answer, comparisons, diagnostics } = result;
  if (answer === null) return diagnostics.map(({ message, help }) => `      ${message}: ${help}`);
  return comparisons.flatMap((comparison) => {
    const { expected, found, holds } = comparison;
    if (holds) return [`        ${paint('dim', expected)}`];
    const why = paint('dim', sumOf(comparison, answer));
    return [paint('red', `      - ${expected}`), `${paint('green', `      + ${found}`)}${why}`];
  });
}

/** Where a score comes from, for a line that expected another. */
function sumOf({ found }: Comparison, { parts }: TestAnswer): string {
  if (!found.startsWith('score ')) return '';
  const terms = parts.map(({ name, points }) => `${name} ${points > 0 ? '+' : ''}${points}`);
  return terms.length === 0 ? '   no signal held' : `   ${terms.join(', ')}`;
}

export function humanSummary(files: readonly TestedFile[], durationMs: number, paint: Paint): string {
  const passed = files.flatMap(({ results }) => results).filter((result) => result.passed).length;
  const failed = files.reduce((sum, file) => sum + failedIn(file), 0);
  const counts = [paint('green', `${passed} passed`)];
  if (failed > 0) counts.push(paint('red', `${failed} failed`));
  const where = files.length === 1 ? '1 file' : `${files.length} files`;
  return `${counts.join(', ')} ${paint('dim', `in ${where}, ${(durationMs / 1000).toFixed(2)} s`)}`;
}

/** One object for each test. */
export function jsonReport({ file, results }: TestedFile): object[] {
  return results.map(({ name, site, span, passed, answer, comparisons, diagnostics }) => ({
    file,
    line: span.line,
    column: span.column,
    name,
    site,
    passed,
    answer: answer === null ? null : plainAnswer(answer),
    expected: comparisons.map(({ expected, found, holds, span: { line, column } }) => ({
      expected,
      found,
      holds,
      line,
      column,
    })),
    problem: answer === null ? (diagnostics[0]?.message ?? null) : null,
  }));
}

function plainAnswer({ policy, action, score, parts, matched, challenge }: TestAnswer): object {
  return {
    policy: policy?.name ?? null,
    action: showVerdict(action),
    score,
    parts: parts.map(({ name, points }) => ({ name, points })),
    matched,
    challenge: challenge?.name ?? null,
  };
}

/** JUnit XML as CI systems read it: a suite for each file, a case for each test. */
export function junitReport(files: readonly TestedFile[]): string {
  const suites = files.map((tested) => {
    const { file, results, problems, durationMs } = tested;
    const failures = results.filter(({ passed }) => !passed).length;
    const errors = problems.length > 0 ? 1 : 0;
    const attributes = [
      `name="${xml(file)}"`,
      `tests="${results.length + errors}"`,
      `failures="${failures}"`,
      `errors="${errors}"`,
      `time="${(durationMs / 1000).toFixed(3)}"`,
    ];
    const cases = results.map((result) => testCase(file, result));
    if (errors > 0) cases.push(compileCase(file, problems));
    return `  <testsuite ${attributes.join(' ')}>\n${cases.join('')}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="sallyport test">\n${suites.join('')}</testsuites>\n`;
}

function testCase(file: string, { name, site, span, passed, comparisons, diagnostics }: TestResult): string {
  const head = `    <testcase name="${xml(name)}" classname="${xml(`${file}:${site}`)}" file="${xml(file)}" line="${span.line}"`;
  if (passed) return `${head}/>\n`;
  const unmet = comparisons.filter(({ holds }) => !holds);
  const text = unmet.map(({ expected, found }) => `- ${expected}\n+ ${found}`).join('\n');
  const message = xml(diagnostics[0]?.message ?? 'failed');
  const body = xml(`${text}\n${diagnostics[0]?.help ?? ''}`.trim());
  return `${head}>\n      <failure message="${message}">${body}</failure>\n    </testcase>\n`;
}

function compileCase(file: string, problems: readonly Diagnostic[]): string {
  const text = problems.map(({ code, message, line, column }) => `${line}:${column} ${code} ${message}`);
  return (
    `    <testcase name="compiles" classname="${xml(file)}" file="${xml(file)}">\n` +
    `      <error message="${xml(problems[0]!.message)}">${xml(text.join('\n'))}</error>\n    </testcase>\n`
  );
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
};

/** Text for XML 1.0, which has no place at all for most control characters. */
function xml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML cannot hold
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!)
  );
}
