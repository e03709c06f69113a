/** Mends what diagnostics found, as far as they say how. */
import { suggestionIn } from '../diagnostics/closest.ts';
import type { Diagnostic, Edit, Fix } from '../diagnostics/diagnostic.ts';

/** Mending one thing may uncover another; so many times the text is looked at again. */
const MAX_ROUNDS = 20;

export interface Fixed {
  readonly text: string;
  /** The findings that were mended, in the order in which they were. */
  readonly applied: readonly Diagnostic[];
  /** What the last check found. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What can mend a finding: the fixes it carries, or the name it says was meant. */
export function fixesOf(diagnostic: Diagnostic): readonly Fix[] {
  const own = (diagnostic.fixes ?? []).filter(({ edits }) => edits.length > 0);
  const name = own.length > 0 ? null : suggestionIn(diagnostic.help);
  if (name === null) return own;
  return [{ kind: 'maybe', title: `Replace it with \`${name}\``, edits: [{ span: diagnostic, text: name }] }];
}

/**
 * Applies every safe fix in the file `path` and checks the text again, until there are none. A round that leaves
 * more errors than it found is taken back, and ends the work. `check` tells what is wrong with a text of that file.
 */
export function fixAll(path: string, text: string, check: (text: string) => readonly Diagnostic[]): Fixed {
  const applied: Diagnostic[] = [];
  let fixed = text;
  let diagnostics = check(text);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const fixable = diagnostics.filter(
      (diagnostic) => diagnostic.file === path && safeEdits(diagnostic).length > 0,
    );
    const chosen = withoutOverlaps(fixable);
    if (chosen.length === 0) break;
    const next = applyEdits(
      fixed,
      chosen.flatMap((diagnostic) => safeEdits(diagnostic)),
    );
    const found = check(next);
    if (errorCount(found) > errorCount(diagnostics)) break;
    applied.push(...chosen);
    fixed = next;
    diagnostics = found;
  }
  return { text: fixed, applied, diagnostics };
}

/** The edits of the first safe fix, when all of them are in the diagnostic's own file. */
function safeEdits({ file, fixes = [] }: Diagnostic): readonly Edit[] {
  const safe = fixes.find(
    ({ kind, edits }) => kind === 'safe' && edits.every(({ span }) => span.file === file),
  );
  return safe?.edits ?? [];
}

/** The text with the edits made; they must not overlap, and those at the same place keep their order. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const starts = lineStarts(text);
  const ordered = edits
    .map(({ span, text: replacement }) => ({
      from: starts[span.line - 1]! + span.column - 1,
      to: starts[span.endLine - 1]! + span.endColumn - 1,
      replacement,
    }))
    .sort((a, b) => a.from - b.from || a.to - b.to);
  const parts: string[] = [];
  let at = 0;
  for (const { from, to, replacement } of ordered) {
    parts.push(text.slice(at, from), replacement);
    at = to;
  }
  return parts.join('') + text.slice(at);
}

function errorCount(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter(({ severity }) => severity === 'error').length;
}

/** The first of those whose edits would meet; the others wait for the next round. */
function withoutOverlaps(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const taken: Edit[] = [];
  return diagnostics.filter((diagnostic) => {
    const edits = safeEdits(diagnostic);
    if (edits.some((edit) => taken.some((other) => meet(edit, other)))) return false;
    taken.push(...edits);
    return true;
  });
}

function meet({ span: a }: Edit, { span: b }: Edit): boolean {
  const isBefore = (x: typeof a, y: typeof a): boolean =>
    x.endLine < y.line || (x.endLine === y.line && x.endColumn < y.column);
  return !isBefore(a, b) && !isBefore(b, a);
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
