/** Facts by name, with a refusal by name for those the language knows and the engine cannot observe yet. */

import { suggest } from '../diagnostics/closest.ts';
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Name } from '../syntax/ast.ts';
import { FACTS } from './facts.gen.ts';

const INDEXES: ReadonlyMap<string, number> = new Map(FACTS.map((fact, index) => [fact.name, index]));

/** Facts of the language's design that no engine provides yet, besides all of `cert.` and `http.`. */
const PLANNED: ReadonlySet<string> = new Set([
  'conn.os',
  'conn.os_family',
  'conn.hops',
  'hello.versions_valid',
  'hello.key_shares',
  'hello.client',
  'client.os_mismatch',
  'client.tool_mismatch',
  'client.verified_bot',
  'client.first_seen',
  'client.solved',
  'client.clear_age',
  'client.history',
]);

/** True for `conn.…`, `hello.…` and the other namespaces of facts. */
export function looksLikeFact(name: string): boolean {
  return /^(?:conn|hello|cert|time|sys|client|http)\./.test(name);
}

/** Index of the fact in `FACTS`; reports and answers null when there is none. */
export function resolveFact(name: Name, report: Report): number | null {
  const index = INDEXES.get(name.text);
  if (index !== undefined) return index;
  if (/^(?:cert|http)\./.test(name.text) || PLANNED.has(name.text)) {
    const help = `remove the test; supported facts begin with conn., hello., time., sys. or client. and are listed in docs/pdl.md`;
    report.error('PDL-X001', name.span, `the fact \`${name.text}\` is not supported yet`, help);
    return null;
  }
  const help = suggest(name.text, INDEXES.keys(), 'the facts are listed in docs/pdl.md');
  report.error('PDL-N006', name.span, `there is no fact called \`${name.text}\``, help);
  return null;
}
