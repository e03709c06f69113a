/** Secrets written where only their names belong. */
import type { Report } from '../diagnostics/diagnostic.ts';
import type { FileNode } from '../syntax/ast.ts';

const SECRET_WORD = /passw|secret|token|api_?key|private_?key/;

/** Looks at `meta`, the addresses of feeds, and what `secret` declarations name. */
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
