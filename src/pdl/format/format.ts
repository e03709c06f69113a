/** The canonical form of a policy's text. */
import { type Diagnostic, Report } from '../diagnostics/diagnostic.ts';
import { parse } from '../syntax/parse.ts';
import { isNode, type SyntaxNode } from '../syntax/tree.ts';
import { commentsOf, gapOf } from './gap.ts';
import { Printer } from './printer.ts';

export interface Formatted {
  /** Null when the text has syntax errors: then it stays as it is. */
  readonly text: string | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Formats one file. The result is read again and holds the same tree, token by token and comment by comment. */
export function format(path: string, text: string): Formatted {
  const report = new Report();
  const { tree, span } = parse(path, text, report);
  if (report.hasErrors) return { text: null, diagnostics: report.sorted() };
  const formatted = new Printer(text).print(tree);
  const again = new Report();
  const isSame = sameTree(tree, text, parse(path, formatted, again).tree, formatted);
  if (!again.hasErrors && isSame) return { text: formatted, diagnostics: report.sorted() };
  const message = 'this file cannot be formatted without changing what it says';
  report.error('PDL-G009', span, message, 'the file is left as it is; please report this as a bug');
  return { text: null, diagnostics: report.sorted() };
}

/** The same constructs of the same tokens with the same comments, whatever the white space. */
export function sameTree(a: SyntaxNode, aText: string, b: SyntaxNode, bText: string): boolean {
  if (a.kind !== b.kind || a.children.length !== b.children.length) return false;
  return a.children.every((left, index) => {
    const right = b.children[index]!;
    if (isNode(left)) return isNode(right) && sameTree(left, aText, right, bText);
    if (isNode(right) || left.kind !== right.kind || left.text !== right.text) return false;
    const comments = (text: string, { lead, start }: typeof left): string =>
      commentsOf(gapOf(text.slice(lead, start), lead === 0)).join('\n');
    return comments(aText, left) === comments(bText, right);
  });
}
