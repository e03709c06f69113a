/** `sallyport expand`: every line that a policy comes to, with its origin and where it is enforced. */
import { dirname, resolve } from 'node:path';
import { readSource } from '../../orchestrator/compile-policy.ts';
import type { Diagnostic } from '../../pdl/diagnostics/diagnostic.ts';
import { type Expansion, expand as expandSource } from '../../pdl/expand/expand.ts';
import { CliError, EXIT } from '../exit.ts';
import { expansionReport } from '../expand-report.ts';
import { chooseFormat, type Format, hasErrors, printDiagnostics, useColor } from '../output.ts';
import { painter } from '../style.ts';

export interface ExpandOptions {
  readonly format?: Format;
}

/** Exit code 1 when the policy has errors, 2 when it has nothing of the name asked for. */
export function expand(file: string, name: string | undefined, options: ExpandOptions): number {
  const format = chooseFormat(options.format);
  const { expansion, diagnostics, sources } = expandFile(file);
  if (expansion === null) {
    printDiagnostics(
      diagnostics.filter(({ severity }) => severity === 'error'),
      sources,
      format,
    );
    return EXIT.problem;
  }
  const wanted = name === undefined ? expansion : only(expansion, name);
  const text =
    format === 'json' ? JSON.stringify(wanted) : expansionReport(wanted, painter(useColor(process.stdout)));
  process.stdout.write(`${text}\n`);
  return EXIT.ok;
}

function expandFile(file: string): {
  readonly expansion: Expansion | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
} {
  const problems: Diagnostic[] = [];
  const sources = new Map<string, string>();
  const open = (path: string): { path: string; text: string } | null => {
    const source = readSource(path);
    if ('code' in source) problems.push(source);
    else sources.set(path, source.text);
    return 'code' in source ? null : source;
  };
  const entry = open(resolve(file));
  if (entry === null) return { expansion: null, diagnostics: problems, sources };
  const { expansion, diagnostics } = expandSource(entry, (path, from) => open(resolve(dirname(from), path)));
  const all = [...problems, ...diagnostics];
  return { expansion: hasErrors(all) ? null : expansion, diagnostics: all, sources };
}

/** What bears the name, of whatever kind. */
function only({ sites, scores, policies }: Expansion, name: string): Expansion {
  const named = <T extends { readonly name: string }>(list: readonly T[]): T[] =>
    list.filter((each) => each.name === name);
  const found = { sites: named(sites), scores: named(scores), policies: named(policies) };
  if (found.sites.length + found.scores.length + found.policies.length > 0) return found;
  const names = [...sites, ...scores, ...policies].map((each) => each.name);
  throw new CliError(
    `there is no site, score or policy called ${name}; there are ${names.join(', ')}`,
    EXIT.usage,
  );
}
