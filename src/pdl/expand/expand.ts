/** Everything that a policy file comes to, line by line, with the origin of each line and where it is enforced. */
import { compile } from '../compile/compile.ts';
import { find, type Load, loadModules, type Module, type SourceFile } from '../compile/modules.ts';
import { STD } from '../compile/std.gen.ts';
import { type Diagnostic, Report } from '../diagnostics/diagnostic.ts';
import type { Program } from '../ir.ts';
import { enforcementOfChallenge, enforcementOfLimits } from './enforcement.ts';
import { type ExpandedPolicy, expandPolicy } from './expand-policy.ts';
import { type ExpandedScore, expandScore } from './expand-score.ts';
import { type ExpandedSite, expandSite } from './expand-site.ts';
import type { Line, Sources } from './lines.ts';

export interface Expansion {
  readonly sites: readonly ExpandedSite[];
  readonly scores: readonly ExpandedScore[];
  readonly policies: readonly ExpandedPolicy[];
}

export interface ExpandOutcome {
  /** Null when there is any error. */
  readonly expansion: Expansion | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Expands a policy and the files it imports; `load` as for the compiler. */
export function expand(entry: SourceFile, load: Load): ExpandOutcome {
  const sources = new Map<string, string>([...STD, [entry.path, entry.text]]);
  const keep: Load = (path, from) => {
    const source = load(path, from);
    if (source !== null) sources.set(source.path, source.text);
    return source;
  };
  const { program, diagnostics, needs } = compile(entry, keep);
  if (program === null) return { expansion: null, diagnostics };
  const report = new Report();
  const [main] = loadModules(entry, keep, report) as [Module];
  return { expansion: expandProgram(program, main, sources, report, needs), diagnostics };
}

function expandProgram(
  program: Program,
  main: Module,
  sources: Sources,
  report: Report,
  needs: readonly Diagnostic[],
): Expansion {
  const honest = <T extends { readonly lines: readonly Line[] }>(
    expanded: T,
    { limits, challenge }: { readonly limits: readonly number[]; readonly challenge: number | null },
  ): T => ({
    ...expanded,
    lines: expanded.lines.map((line) => {
      if (isUnmet(line, expanded.lines, needs)) return { ...line, enforced: 'not by this release' };
      if (line.section === 'limits') return { ...line, enforced: enforcementOfLimits(program, limits) };
      if (line.section !== 'challenge' || challenge === null) return line;
      return { ...line, enforced: enforcementOfChallenge(program.challenges[challenge]!) };
    }),
  });
  const sites = program.sites.flatMap((site) => {
    const found = site.listeners.length === 0 ? null : find(main, 'site', site.name);
    return found === null
      ? []
      : [honest(expandSite(found, site, program, sources, report), { ...site, challenge: null })];
  });
  const scores = program.scores.flatMap((score) => {
    const found = find(main, 'score', score.name);
    return found === null
      ? []
      : [honest(expandScore(found, score, program, sources, report), { limits: [], challenge: null })];
  });
  const policies = program.policies.flatMap((policy) => {
    const found = find(main, 'policy', policy.name);
    return found === null ? [] : [honest(expandPolicy(found, policy, sources, report), policy)];
  });
  return { sites, scores: uniqueByName(scores), policies };
}

/** What the compiler says this engine cannot do: the line lies in it, or belongs to a certificate it cannot ask for. */
function isUnmet(line: Line, lines: readonly Line[], needs: readonly Diagnostic[]): boolean {
  const lies = ({ origin }: Line): boolean =>
    origin !== null &&
    needs.some(
      ({ code, file, line: from, endLine }) =>
        code !== 'PDL-I002' && file === origin.file && from <= origin.line && origin.line <= endLine,
    );
  const isCertificate = line.section === 'client_cert';
  return lies(line) || (isCertificate && lines.some((each) => each.section === 'client_cert' && lies(each)));
}

/** A score that comes out differently in the states of modes is told once. */
function uniqueByName(scores: readonly ExpandedScore[]): ExpandedScore[] {
  return [...new Map(scores.map((score) => [score.name, score])).values()];
}
