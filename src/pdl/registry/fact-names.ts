/** Facts by name. */

import { suggest } from '../diagnostics/closest.ts';
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Name } from '../syntax/ast.ts';
import { FACTS } from './facts.gen.ts';

const INDEXES: ReadonlyMap<string, number> = new Map(FACTS.map((fact, index) => [fact.name, index]));

/** Other names of facts. */
const ALIASES: ReadonlyMap<string, string> = new Map([['hello.key_shares', 'hello.key_share_groups']]);

/** True for `conn.…`, `hello.…` and the other namespaces of facts. */
export function looksLikeFact(name: string): boolean {
  return /^(?:conn|hello|cert|time|sys|client|http)\./.test(name);
}

/** Index of the fact in `FACTS`; reports and answers null when there is none. */
export function resolveFact(name: Name, report: Report): number | null {
  const index = INDEXES.get(ALIASES.get(name.text) ?? name.text);
  if (index !== undefined) return index;
  if (report.isFull) return null;
  const help = suggest(name.text, INDEXES.keys(), 'the facts are listed in docs/pdl.md');
  report.error('PDL-N006', name.span, `there is no fact called \`${name.text}\``, help);
  return null;
}
