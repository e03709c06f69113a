// Writes docs/diagnostics.md, a section for each finding of the policy language, from its catalogue.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CATALOGUE } from '../src/pdl/diagnostics/catalogue.ts';

const FAMILIES: Readonly<Record<string, string>> = {
  G: 'Reading the text',
  H: 'Editions and phases',
  N: 'Names',
  Y: 'Types, values and units',
  P: 'Policies',
  T: 'TLS',
  S: 'Scores and signals',
  L: 'Ladders',
  R: 'Rules',
  U: 'Unknown facts',
  I: 'Sites',
  F: 'Feeds',
  C: 'Certificates, challenges and counters',
  M: 'Limits, rates and modes',
  K: 'Secrets',
  B: 'Budgets',
  E: 'Tests',
  X: 'Not enforced, or not supported',
};

const block = (text: string): string => `\`\`\`\n${text}\n\`\`\``;
/** Invisible characters by their numbers, so that the page itself holds none. */
const shown = (text: string): string =>
  text.replace(
    /[\u200b-\u200f\u202a-\u202e]/g,
    (found) => `<U+${found.charCodeAt(0).toString(16).toUpperCase()}>`,
  );

/** The text of the page. */
export function page(): string {
  const parts = [
    '# Findings of the policy language',
    '<!-- Written by scripts/generate-diagnostics.ts from src/pdl/diagnostics/catalogue.ts. Do not edit. -->',
    'Errors are what cannot run as written. Warnings are what can, and rarely means what it says: `@allow "CODE"` with `@why` at the declaration silences most of them. Infos are worth knowing and `lint` and editors show them.',
  ];
  for (const [letter, title] of Object.entries(FAMILIES)) {
    const entries = [...CATALOGUE.values()].filter(({ code }) => code[4] === letter);
    if (entries.length > 0) parts.push(`## ${title}`);
    for (const { code, severity, title: what, why, avoid, prefer } of entries) {
      parts.push(
        `### ${code}`,
        `*${severity}:* ${what}. ${why}`,
        'Avoid',
        block(shown(avoid)),
        'Prefer',
        block(shown(prefer)),
      );
    }
  }
  return `${parts.join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(fileURLToPath(new URL('../docs/diagnostics.md', import.meta.url)), page());
}
