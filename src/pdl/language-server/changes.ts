/** Changes of text that an editor asks for: rename, quick fixes, the canonical form. */
import type { Diagnostic, Edit } from '../diagnostics/diagnostic.ts';
import { fixesOf } from '../fix/fix.ts';
import { format } from '../format/format.ts';
import { definitionsOf } from './definitions.ts';
import { placesOf, symbolAt } from './symbols.ts';
import { type Analysis, type Position, type Range, rangeOf, type Workspace } from './workspace.ts';

export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

/** Edits by the path of the file they are in. */
export type Changes = ReadonlyMap<string, readonly TextEdit[]>;

/** A request that cannot be met, with the reason in a person's words. */
export class Refusal extends Error {}

/** The name at a position, when it can be renamed. */
export function renamable({ modules }: Analysis, position: Position): Range {
  const [module] = modules;
  const found = symbolAt(module, position);
  if (found === null) throw new Refusal('only names that a policy declares can be renamed');
  if (found.module.isStd) throw new Refusal('names of the library cannot be renamed');
  const { text, span } = found.name;
  const own = text.length - (text.lastIndexOf('.') + 1);
  return rangeOf({ ...span, column: span.endColumn - own });
}

export function rename(
  workspace: Workspace,
  analysis: Analysis,
  position: Position,
  newName: string,
): Changes {
  renamable(analysis, position);
  if (!/^[a-z_][a-z0-9_]*$/.test(newName)) {
    throw new Refusal('names are lower-case letters, digits and _, and begin with no digit');
  }
  const { definition, module } = symbolAt(analysis.modules[0], position)!;
  const taken = definitionsOf(module).some(
    ({ kind, name, owner }) =>
      kind === definition.kind &&
      name.text === newName &&
      name !== definition.name &&
      // why: two scores may have signals of one name, and two modes states.
      (owner === definition.owner || owner.name === name),
  );
  if (taken) throw new Refusal(`there is a ${definition.kind} called \`${newName}\` already`);
  const changes = new Map<string, TextEdit[]>();
  for (const { path, range } of placesOf(workspace, analysis, position)) {
    const edits = changes.get(path) ?? [];
    edits.push({ range, newText: newName });
    changes.set(path, edits);
  }
  return changes;
}

export interface QuickFix {
  readonly title: string;
  readonly diagnostic: Diagnostic;
  readonly isSafe: boolean;
  readonly changes: Changes;
}

/** What would mend the findings that touch a range. */
export function quickFixes({ path, compiled }: Analysis, range: Range): QuickFix[] {
  return compiled.diagnostics.flatMap((diagnostic) => {
    if (diagnostic.file !== path || !touch(rangeOf(diagnostic), range)) return [];
    return fixesOf(diagnostic).map(({ title, kind, edits }) => ({
      title,
      diagnostic,
      isSafe: kind === 'safe',
      changes: byFile(edits),
    }));
  });
}

function byFile(edits: readonly Edit[]): Changes {
  const files = Map.groupBy(edits, ({ span }) => span.file);
  const changes = [...files].map(([path, own]) => {
    return [path, own.map(({ span, text }) => ({ range: rangeOf(span), newText: text }))] as const;
  });
  return new Map(changes);
}

function touch(a: Range, b: Range): boolean {
  const isBefore = (x: Position, y: Position): boolean =>
    x.line < y.line || (x.line === y.line && x.character < y.character);
  return !isBefore(a.end, b.start) && !isBefore(b.end, a.start);
}

/** The change of the lines that are not in canonical form; none when the text has syntax errors. */
export function formatEdits({ path, text }: Analysis): TextEdit[] {
  const formatted = format(path, text).text;
  if (formatted === null || formatted === text) return [];
  let start = 0;
  while (text[start] === formatted[start]) start++;
  start = text.lastIndexOf('\n', start - 1) + 1;
  let end = 0;
  const most = Math.min(text.length, formatted.length) - start;
  while (end < most && text.at(-1 - end) === formatted.at(-1 - end)) end++;
  const range = { start: positionOf(text, start), end: positionOf(text, text.length - end) };
  return [{ range, newText: formatted.slice(start, formatted.length - end) }];
}

export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const line = before.split('\n').length - 1;
  return { line, character: offset - (before.lastIndexOf('\n') + 1) };
}
