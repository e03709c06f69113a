/**
 * Damages policies, and reads, formats and compiles each: nothing may throw, take longer than a second, or lose a
 * character; what is formatted must stay as it is the next time. Where the reference grammar is on the machine,
 * programs made from it are used as well, and what it accepts is compared.
 *
 *     npm run fuzz:pdl -- --count 1000000 --seed 1
 */
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compile } from '../../src/pdl/compile/compile.ts';
import { Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import { format } from '../../src/pdl/format/format.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';
import { tokensOf } from '../../src/pdl/syntax/tree.ts';
import { DESIGN, ReferenceGrammar, randomFrom, SKIP, variants } from '../pdl/grammar.ts';

/** The most processor time a program may take, in milliseconds. */
const MOST_MS = 1_000;
const STEP = 10_000;
/** Words that the language has and the reference grammar, which is older, does not. */
const NEWER = /\b(?:upstream|authenticate|deliver|send|wait|http\.)/;
/** Characters that are put into programs. */
const CHARACTERS = [
  ...'{}[]()"#@=<>+-&,./:_% \n\t\\aZ09',
  '\0',
  '\r',
  '\u202e',
  '\u0430',
  'é',
  '\u{1f600}',
  '\ud800',
  '\ufeff',
];

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const count = Number(values.count);
const random = randomFrom(Number(values.seed));
const reference = SKIP === false ? new ReferenceGrammar() : null;
const below = (limit: number): number => Math.floor(random() * limit);
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!;

const files = [
  ...globSync(fileURLToPath(new URL('../../policies/**/*.pdl', import.meta.url))),
  ...globSync(`${DESIGN}*.pdl`),
];
const policies = files.map((file) => readFileSync(file, 'utf8'));
const declarations = policies.flatMap((text) => text.split(/\n(?=[@a-z])/).slice(1));

/** Some declarations of real policies, or a program of the grammar. */
function program(): string {
  if (reference !== null && random() < 0.4) return reference.program(below(1_000_000));
  const chosen = Array.from({ length: 1 + below(5) }, () => pick(declarations));
  return `pdl 1\nimport "std/tls" as tls\n${chosen.join('\n')}\n`;
}

/** Changes some characters, anywhere. */
function damage(text: string): string {
  let damaged = text;
  for (let changes = 1 + below(4); changes > 0; changes--) {
    const at = below(damaged.length + 1);
    const to = Math.min(damaged.length, at + below(random() < 0.1 ? 200 : 4));
    const other = below(damaged.length + 1);
    const insert = pick([
      '',
      pick(CHARACTERS),
      pick(CHARACTERS).repeat(below(40)),
      damaged.slice(other, other + below(30)),
    ]);
    damaged = damaged.slice(0, at) + insert + damaged.slice(random() < 0.02 ? damaged.length : to);
  }
  return damaged;
}

/** One of the changes of a token that the reference grammar can be asked about. */
function variant(text: string): string {
  let chosen = text;
  let seen = 0;
  const most = 1 + below(60);
  for (const candidate of variants(text)) {
    chosen = candidate;
    if (++seen === most) break;
  }
  return chosen;
}

let accepted = 0;

/** Why a program is not treated as it must be, or null. */
function problem(text: string, isComparable: boolean): string | null {
  const report = new Report();
  const { tree } = parse('main.pdl', text, report);
  if ([...tokensOf(tree)].map(({ lead, end }) => text.slice(lead, end)).join('') !== text)
    return 'the tree lost text';
  if (isComparable && reference !== null && reference.accepts(text) === report.hasErrors) {
    return `the grammar ${report.hasErrors ? 'accepts' : 'refuses'} it`;
  }
  const formatted = format('main.pdl', text).text;
  if ((formatted === null) !== report.hasErrors) return 'it is formatted wrongly';
  if (formatted !== null) accepted++;
  if (formatted !== null && format('main.pdl', formatted).text !== formatted) return 'its form is not stable';
  compile({ path: 'main.pdl', text }, () => null);
  return null;
}

let slowest = 0;
for (let done = 1; done <= count; done++) {
  const isToken = random() < 0.3;
  const text = isToken ? variant(program()) : damage(program());
  const isComparable = isToken && !NEWER.test(text);
  const started = process.cpuUsage();
  let found: string | null;
  try {
    found = problem(text, isComparable);
  } catch (error) {
    found = (error as Error).stack ?? String(error);
  }
  const { user, system } = process.cpuUsage(started);
  const took = (user + system) / 1_000;
  if (took > MOST_MS) found ??= `it took ${took.toFixed(0)} ms`;
  if (found !== null) {
    console.error(`${found}\n${JSON.stringify(text)}`);
    process.exit(1);
  }
  slowest = Math.max(slowest, took);
  if (done % STEP === 0) console.error(`${done} programs, the slowest took ${slowest.toFixed(0)} ms`);
}
console.log(
  JSON.stringify({
    programs: count,
    accepted,
    slowestMs: Math.round(slowest),
    reference: reference !== null,
  }),
);
