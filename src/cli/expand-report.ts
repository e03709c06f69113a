/** An expansion as a table for people: the line, whose it is, where it takes effect. */
import type { Expansion } from '../pdl/expand/expand.ts';
import type { Line } from '../pdl/expand/lines.ts';
import { shownPath } from './policy-files.ts';
import type { Paint, Style } from './style.ts';

/** Longer texts are cut in the table; JSON has all of them. */
const MAX_TEXT = 64;
const STYLES: Readonly<Record<Line['enforced'], Style>> = {
  'before TLS': 'green',
  'by OpenSSL': 'cyan',
  'in the handshake': 'cyan',
  'in the handshake or at the request': 'cyan',
  'after the handshake': 'blue',
  'at the request': 'yellow',
  'at the end': 'dim',
  'not by this release': 'red',
};

export function expansionReport({ sites, scores, policies }: Expansion, paint: Paint): string {
  const blocks = [
    ...sites.map(({ name, lines }) => block('site', name, [], lines, paint)),
    ...scores.map(({ name, lines, extends: parents }) => block('score', name, parents, lines, paint)),
    ...policies.map(({ name, lines, extends: parents }) => block('policy', name, parents, lines, paint)),
  ];
  return blocks.join('\n\n');
}

function block(
  kind: string,
  name: string,
  parents: readonly string[],
  lines: readonly Line[],
  paint: Paint,
): string {
  const lineage =
    parents.length === 0 ? '' : paint('dim', `  extends ${parents.toReversed().join(' extends ')}`);
  const rows = lines.map((line, index) => {
    const before = lines[index - 1];
    const isNewSection = before?.section !== line.section;
    const isNewKey = isNewSection || before?.key !== line.key || line.key === '';
    return {
      section: isNewSection ? line.section : '',
      key: isNewKey ? line.key : '',
      text: line.text.length > MAX_TEXT ? `${line.text.slice(0, MAX_TEXT - 1)}…` : line.text,
      origin: originText(line),
      line,
    };
  });
  const width = (pick: (row: (typeof rows)[number]) => string): number =>
    Math.max(0, ...rows.map((row) => pick(row).length));
  const [section, key, text, origin] = [
    width((row) => row.section),
    width((row) => row.key),
    width((row) => row.text),
    width((row) => row.origin),
  ];
  const drawn = rows.map((row) =>
    [
      `  ${paint('bold', row.section.padEnd(section))}`,
      row.key.padEnd(key),
      row.text.padEnd(text),
      paint('dim', row.origin.padEnd(origin)),
      paint(STYLES[row.line.enforced], row.line.enforced),
    ].join('  '),
  );
  return [`${kind} ${paint('bold', name)}${lineage}`, ...drawn].join('\n');
}

function originText({ origin }: Line): string {
  if (origin === null) return 'default';
  return `${origin.name} ${origin.file.startsWith('std/') ? origin.file : shownPath(origin.file)}:${origin.line}`;
}
