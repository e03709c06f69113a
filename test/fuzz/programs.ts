/** Random and mutated programs: whatever the text, the language answers in time, with places inside the text. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CompileResult, compile } from '../../src/pdl/compile/compile.ts';
import { CATALOGUE } from '../../src/pdl/diagnostics/catalogue.ts';
import { renderDiagnostic } from '../../src/pdl/diagnostics/render.ts';
import { tokenize } from '../../src/pdl/syntax/lexer.ts';
import { exampleFile } from '../pdl/support.ts';
import { Random } from '../support/random.ts';
import { randomPolicy } from './policies.ts';

export interface Survey {
  readonly programs: number;
  /** Programs without an error. */
  readonly sound: number;
  /** How often each code was reported. */
  readonly codes: Readonly<Record<string, number>>;
  /** Processor time: on a busy machine the clock says little. */
  readonly slowestMs: number;
  readonly heapMiB: number;
}

const EXAMPLES = [...CATALOGUE.values()].flatMap(({ avoid, prefer }) => [avoid, prefer]);
const bare = (text: string): string => (text.startsWith('pdl') ? text : `pdl 1\n${text}`);
/** Texts that mutations start from: mostly short ones, so that each byte is met often, and some whole files. */
const SHORT: readonly string[] = EXAMPLES.map(bare);
const SEEDS: readonly string[] = [
  ...EXAMPLES.map(exampleFile),
  readFileSync(fileURLToPath(new URL('../../policies/three-tiers.pdl', import.meta.url)), 'utf8'),
];
const STRANGE = [
  '\0',
  '\u202e',
  '\ufeff',
  'а',
  '…',
  '"',
  '}',
  '{',
  '[',
  ']',
  '(',
  ')',
  '#',
  '\n',
  '..',
  ' ',
  '\\',
  '/',
  '0x',
  '9'.repeat(40),
  '-',
  '@',
  '::',
  '\ud800',
];

/** Compiles `count` programs. @throws Error that holds the program at the first one that is answered badly. */
export function survey(count: number, seed: number, onProgress: (done: number) => void = () => {}): Survey {
  const codes: Record<string, number> = {};
  let sound = 0;
  let slowestMs = 0;
  let heap = 0;
  for (let index = 0; index < count; index++) {
    const random = new Random(seed + index);
    const text = randomText(random);
    const start = process.cpuUsage();
    const result = attempt(text);
    const { user, system } = process.cpuUsage(start);
    slowestMs = Math.max(slowestMs, (user + system) / 1000);
    check(text, result);
    if (result.program !== null) sound++;
    for (const { code } of result.diagnostics) codes[code] = (codes[code] ?? 0) + 1;
    if (index % 1000 === 0) {
      heap = Math.max(heap, process.memoryUsage().heapUsed);
      onProgress(index);
    }
    if (random.once(100)) assert.deepEqual(attempt(text), result, 'the same text gives the same answer');
  }
  return {
    programs: count,
    sound,
    codes,
    slowestMs: Math.round(slowestMs),
    heapMiB: Math.round(heap / 2 ** 20),
  };
}

function attempt(text: string): CompileResult {
  try {
    return compile({ path: 'x.pdl', text }, (path) => (path === 'x.pdl' ? { path, text } : null), {
      now: 0,
      infos: true,
    });
  } catch (cause) {
    throw new Error(`the compiler threw on:\n${text}`, { cause });
  }
}

function check(text: string, { program, diagnostics, needs }: CompileResult): void {
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  const describe = (what: string): string =>
    `${what}\n${JSON.stringify(text)}\n${JSON.stringify(diagnostics, null, 1)}`;
  assert.equal(program === null, failed, describe('a program exists exactly when there is no error'));
  const lines = text.split('\n');
  for (const diagnostic of [...diagnostics, ...needs]) {
    if (diagnostic.file !== 'x.pdl') continue;
    const { line, column, endLine, endColumn, help, message } = diagnostic;
    const inside = line >= 1 && line <= lines.length && column >= 1 && column <= lines[line - 1]!.length + 1;
    const forward = endLine > line || (endLine === line && endColumn >= column);
    assert.ok(
      inside && forward && help !== '' && message !== '',
      describe(`${diagnostic.code} is out of place`),
    );
    assert.ok(renderDiagnostic(diagnostic, text, { color: false }).length > 0);
  }
}

function randomText(random: Random): string {
  const kind = random.below(20);
  if (kind === 0) return noise(random);
  const start = kind === 1 ? randomPolicy(random) : random.pick(kind < 5 ? SEEDS : SHORT);
  return random.several(0, 4, () => random.below(6)).reduce((text, how) => mutate(random, text, how), start);
}

function noise(random: Random): string {
  const characters = random.several(0, 200, () =>
    random.once(8) ? random.pick(STRANGE) : String.fromCharCode(32 + random.below(96)),
  );
  return (random.once(2) ? 'pdl 1\n' : '') + characters.join('');
}

function mutate(random: Random, text: string, how: number): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + random.below(12));
  if (how === 0) return text.slice(0, at) + text.slice(to);
  if (how === 1) return text.slice(0, at) + random.pick(STRANGE) + text.slice(at);
  if (how === 2) return text.slice(0, at);
  if (how === 3) return text.slice(0, to) + text.slice(at);
  const tokens = tokenize(text);
  const [one, other] = [random.pick(tokens), random.pick(how === 4 ? tokens : tokenize(random.pick(SEEDS)))];
  return `${text.slice(0, one.start)}${other.text}${text.slice(one.end)}`;
}
