/** `sallyport explain`: why a policy decides as it does, about a client, a recorded decision, or a code. */
import { findDecision, type RecordedDecision } from '../../audit/find.ts';
import { compilePolicyFile } from '../../orchestrator/compile-policy.ts';
import { explainFacts } from '../../orchestrator/explain-facts.ts';
import { CATALOGUE } from '../../pdl/diagnostics/catalogue.ts';
import { suggest } from '../../pdl/diagnostics/closest.ts';
import { type Answer, type Explanation, explain as explainAnswer } from '../../pdl/explain/explanation.ts';
import { changesOfScore } from '../../pdl/explain/recorded.ts';
import type { Verdict } from '../../pdl/ir.ts';
import { CliError, EXIT } from '../exit.ts';
import { codeReport, explanationReport, recordedReport } from '../explain-report.ts';
import { chooseFormat, type Format, printDiagnostics, useColor } from '../output.ts';
import { painter } from '../style.ts';

export interface ExplainOptions {
  readonly policy?: string;
  readonly site?: string;
  readonly audit?: string;
  readonly format?: Format;
}

const CODE = /^pdl-[a-z]\d+$/i;

/** Exit code 1 when there is nothing to explain it from, 2 when it is not clear what to explain. */
export async function explain(subject: readonly string[], options: ExplainOptions): Promise<number> {
  if (options.audit !== undefined) {
    const [id, ...more] = subject;
    if (id === undefined || more.length > 0) throw new CliError('name one decision by its id', EXIT.usage);
    return aboutRecord(options.audit, id, options);
  }
  const [word = '', ...rest] = subject;
  if (rest.length === 0 && CODE.test(word)) return aboutCode(word.toUpperCase(), options);
  if (options.policy === undefined) {
    throw new CliError('say which policy decides, with --policy FILE', EXIT.usage);
  }
  return aboutFacts(options.policy, subject.join('\n'), options);
}

function aboutCode(code: string, { format: asked }: ExplainOptions): number {
  const entry = CATALOGUE.get(code);
  if (entry === undefined) {
    const near = suggest(code, CATALOGUE.keys(), 'docs/diagnostics.md lists them all');
    throw new CliError(`there is no finding called ${code}; ${near}`, EXIT.usage);
  }
  const text =
    chooseFormat(asked) === 'json'
      ? JSON.stringify(entry)
      : codeReport(entry, painter(useColor(process.stdout)));
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

function aboutFacts(policy: string, given: string, { site, format: asked }: ExplainOptions): number {
  const format = chooseFormat(asked);
  const { explanation, diagnostics, sources } = explainFacts({ path: policy, given, site: site ?? null });
  printDiagnostics(diagnostics, sources, format);
  if (explanation === null) return EXIT.problem;
  const text =
    format === 'json'
      ? JSON.stringify(explanation)
      : explanationReport(explanation, painter(useColor(process.stdout)));
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

async function aboutRecord(
  file: string,
  id: string,
  { policy, format: asked }: ExplainOptions,
): Promise<number> {
  const format = chooseFormat(asked);
  const decision = await findDecision(file, id).catch((error: Error) => {
    throw new CliError(`cannot read ${file}: ${error.message}`);
  });
  if (typeof decision === 'string') throw new CliError(`${file}: ${decision}`);
  const explanation = policy === undefined ? null : explainRecord(decision, policy, format);
  const paint = painter(useColor(process.stdout));
  const text =
    format === 'json'
      ? JSON.stringify({ ...decision, explanation })
      : [
          recordedReport(decision, explanation === null, paint),
          ...(explanation === null ? [] : [explanationReport(explanation, paint)]),
        ].join('\n');
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

/** The recorded decision laid over the policy; null when it cannot be. */
function explainRecord(decision: RecordedDecision, policy: string, format: Format): Explanation | null {
  const { bundle, diagnostics, sources } = compilePolicyFile({
    path: policy,
    host: null,
    purpose: 'check',
    env: {},
  });
  if (bundle === null) {
    printDiagnostics(diagnostics, sources, format);
    throw new CliError(`${policy} cannot be used`);
  }
  const { program, imageId } = bundle;
  const site = program.sites.find(({ name }) => name === decision.site);
  if (site === undefined) {
    process.stderr.write(`sallyport: ${policy} has no site ${decision.site}\n`);
    return null;
  }
  if (decision.imageId !== imageId) {
    const [then, now] = [decision.imageId, imageId].map((each) => each?.slice(0, 12));
    process.stderr.write(
      `sallyport: image ${then} decided, and this policy is image ${now}: its rules, bounds and rungs may differ\n`,
    );
  }
  const nearest = decision.tier === 'ladder' ? changesOfScore(program, site, answerOf(decision)) : [];
  const { decision: decided, ...rest } = explainAnswer(
    program,
    site,
    answerOf(decision),
    () => false,
    nearest,
  );
  return { ...rest, decision: { ...decided, action: actionText(decision) } };
}

function actionText({ action, alert }: RecordedDecision): string {
  if (action === null) return 'nothing decided';
  return action === 'refuse' ? `refuse alert ${alert ?? 'access_denied'}` : action;
}

function answerOf({
  policy,
  action,
  score,
  parts,
  matched,
  wouldMatch,
  challenge,
  tier,
}: RecordedDecision): Answer {
  return {
    policy: policy === null ? null : { name: policy },
    action: { action } as Verdict,
    score: score ?? 0,
    parts,
    matched,
    wouldMatch,
    challenge: challenge === null ? null : { name: challenge },
    tier: tier as Answer['tier'],
    difficulty: 0,
  };
}
