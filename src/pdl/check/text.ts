/** What a file's text must not hold, whatever it says: too much of it, invisible characters, secrets. */
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
import type { FileNode } from '../syntax/ast.ts';

/** Longer files are not read, in UTF-16 units. */
export const MAX_TEXT_LENGTH: number = 1024 * 1024;
/** Direction controls (Unicode TR 36), zero-width characters, and controls that no editor writes. */
const INVISIBLE =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u061c\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g;
/** More of them from one file tell nothing new. */
const MAX_REPORTED = 5;

/** False when the text is too large to be parsed. */
export function checkText(path: string, text: string, report: Report): boolean {
  const start: Span = { file: path, line: 1, column: 1, endLine: 1, endColumn: 1 };
  if (text.length > MAX_TEXT_LENGTH) {
    const message = `this file has ${text.length} characters, and ${MAX_TEXT_LENGTH} are the most`;
    report.error('PDL-G009', start, message, 'move long lists into feeds, or split the file with `import`');
    return false;
  }
  let reported = 0;
  let line = 1;
  let lineStart = 0;
  let counted = 0;
  for (const { index, 0: character } of text.matchAll(INVISIBLE)) {
    if (reported++ === MAX_REPORTED) break;
    for (let at = text.indexOf('\n', counted); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) {
      line++;
      lineStart = at + 1;
    }
    counted = index;
    const column = index - lineStart + 1;
    const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    const message = `an invisible character (U+${code}) stands here`;
    const span = { file: path, line, column, endLine: line, endColumn: column + 1 };
    report.error(
      'PDL-G007',
      span,
      message,
      'delete it: it can make a policy read differently from how it works',
    );
  }
  return true;
}

const SECRET_WORD = /passw|secret|token|api_?key|private_?key/;

/** Secrets written where only their names belong. */
export function checkSecrets(file: FileNode, report: Report): void {
  for (const { key } of file.meta) {
    if (!SECRET_WORD.test(key.text)) continue;
    const message = `\`${key.text}\` looks like a secret, and \`meta\` reaches every log`;
    report.warning('PDL-K002', key.span, message, 'remove it, or declare `secret NAME from env "…"`');
  }
  for (const node of file.declarations) {
    if (node.kind === 'feed' && /^[a-z]+:\/\/[^/]*@/i.test(node.path.text)) {
      const help = 'write the address without it, declare `secret NAME from env "…"` and add `auth NAME`';
      report.error('PDL-K001', node.path.span, 'this address holds a password', help);
    }
    if (node.kind !== 'secret') continue;
    const { text, span } = node.path;
    const isName =
      node.source === 'env' ? /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) : !/[\n\r]|-----BEGIN/.test(text);
    if (isName) continue;
    const wanted = node.source === 'env' ? 'the name of an environment variable' : 'the path of a file';
    const message = `this is not ${wanted}; a secret itself does not belong into a policy`;
    report.error('PDL-K001', span, message, `write ${wanted}, and keep the secret on the host`);
  }
}
