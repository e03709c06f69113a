// Writes the tables of docs/pdl.md that the code knows: facts, types, names and codes. The rest is by hand.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UNSUPPLIED } from '../src/orchestrator/facts.ts';
import { exampleOf } from '../src/pdl/compile/values.ts';
import { CATALOGUE } from '../src/pdl/diagnostics/catalogue.ts';
import { FACT_DOCS } from '../src/pdl/registry/fact-docs.ts';
import { FACTS, type FactType } from '../src/pdl/registry/facts.gen.ts';
import {
  ALERTS,
  CIPHER_NAMES,
  CIPHERS,
  GROUP_NAMES,
  GROUPS,
  SIGALG_CODES,
  SIGALGS,
} from '../src/pdl/registry/iana.ts';

const FILE = fileURLToPath(new URL('../docs/pdl.md', import.meta.url));

const cell = (text: string): string => text.replaceAll('|', '\\|');
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');
const code = (text: string): string => `\`${text}\``;

function facts(): string {
  const rows = FACTS.map(({ name, type, phase, list, optional }) => {
    const kind = `${list ? 'list of ' : ''}${type}`;
    const known = UNSUPPLIED.includes(name)
      ? 'not by this release'
      : optional
        ? `${phase}, or unknown`
        : phase;
    return [code(name), kind, known, FACT_DOCS[name] ?? ''];
  });
  return table(['Fact', 'Type', 'Known from', 'What it is'], rows);
}

function types(): string {
  const used = [...new Set<FactType>([...FACTS.map(({ type }) => type), 'cidr'])];
  return table(
    ['Type', 'Written'],
    used.map((type) => [type, exampleOf(type)]),
  );
}

/** What OpenSSL can serve, by its IANA name; the language knows the other registered names too. */
function names(): string {
  const sigalgs = [...SIGALG_CODES].filter(([, value]) => SIGALGS.has(value)).map(([name]) => name);
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ['cipher suites', [...CIPHERS.keys()].map((value) => CIPHER_NAMES.get(value)!)],
    ['groups', [...GROUPS.keys()].map((value) => GROUP_NAMES.get(value)!)],
    ['signature schemes', sigalgs],
    ['alerts', Object.keys(ALERTS)],
  ];
  return table(
    ['What', 'Names'],
    rows.map(([what, list]) => [what, list.map(code).join(', ')]),
  );
}

function codes(): string {
  const rows = [...CATALOGUE.values()].map(({ code: name, severity, title }) => [
    `[${name}](diagnostics.md#${name.toLowerCase()})`,
    severity,
    title,
  ]);
  return table(['Code', 'Severity', 'What is found'], rows);
}

const BLOCKS: Readonly<Record<string, () => string>> = { facts, types, names, codes };

/** The page with its generated tables made anew. @throws Error when a marker is missing. */
export function withTables(page: string): string {
  return Object.entries(BLOCKS).reduce((text, [name, make]) => {
    const [begin, end] = [`<!-- ${name}: written by scripts/generate-reference.ts -->`, `<!-- /${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from === -1 || to < from) throw new Error(`docs/pdl.md lacks the markers of ${name}`);
    return `${text.slice(0, from)}${begin}\n${make()}\n${text.slice(to)}`;
  }, page);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(FILE, withTables(readFileSync(FILE, 'utf8')));
}
