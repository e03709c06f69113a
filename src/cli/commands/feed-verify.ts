/** `sallyport feed verify`: reads a file as a feed would be read, and says what is in it and what keeps it out. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { type FeedContent, FeedFormatError } from '../../intel/content.ts';
import { detectFormat, readFeed } from '../../intel/formats.ts';
import { findings, NOTHING_ACCEPTED } from '../../intel/guards.ts';
import { type FeedOptions, optionsOf } from '../../intel/settings.ts';
import { checkText, textOf } from '../../intel/text.ts';
import { compilePolicyFile } from '../../orchestrator/compile-policy.ts';
import { suggest } from '../../pdl/diagnostics/closest.ts';
import type { Feed } from '../../pdl/ir.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, printDiagnostics, useColor } from '../output.ts';
import { painter } from '../style.ts';

export interface VerifyOptions {
  readonly format?: Format;
  readonly as?: string;
  readonly type?: Feed['type'];
  readonly toScore?: true;
  readonly column?: string;
  readonly path?: string;
  readonly score?: string;
  readonly before?: string;
  readonly feed?: string;
  readonly policy?: string;
  readonly config?: string;
}

/** A line that holds no member; both numbers from 1, null where lines mean nothing. */
interface BadLine {
  readonly line: number | null;
  readonly column: number | null;
  readonly text: string;
}

interface Report {
  readonly file: string;
  readonly type: Feed['type'];
  readonly format: string;
  readonly members: number;
  /** Members that end by themselves. */
  readonly ending: number;
  readonly sample: readonly string[];
  readonly bad: readonly BadLine[];
  readonly badCount: number;
  readonly findings: readonly { readonly message: string; readonly line: number | null }[];
  readonly ok: boolean;
}

/** What is shown of bad lines and of findings at most. */
const MAX_SHOWN = 20;
const SAMPLE = 5;

/** Exit code 1 when the file would be refused. */
export function verifyFeed(file: string, options: VerifyOptions): number {
  const { feed, settings, own } = declared(options);
  const report = examine(file, readBytes(file), feed, settings, own, before(options));
  if (chooseFormat(options.format) === 'json') process.stdout.write(`${JSON.stringify(report)}\n`);
  else process.stdout.write(describe(report));
  return report.ok ? EXIT.ok : EXIT.problem;
}

function readBytes(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new CliError(
      `cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`,
      EXIT.usage,
    );
  }
}

function before({ before: text }: VerifyOptions): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,9}$/.test(text))
    throw new CliError(`--before takes a number of members, not ${text}`, EXIT.usage);
  return Number(text);
}

interface Declared {
  readonly feed: Feed;
  readonly settings: FeedOptions;
  readonly own: readonly string[];
}

/** The feed that the flags describe, or the one of a policy that they name. */
function declared(options: VerifyOptions): Declared {
  const config = options.config === undefined ? null : configOf(options.config);
  const own = config?.feeds.own ?? [];
  const given: FeedOptions = {
    ...(options.as === undefined ? {} : { format: options.as }),
    ...(options.column === undefined ? {} : { column: numberOr(options.column) }),
    ...(options.path === undefined ? {} : { path: options.path }),
    ...(options.score === undefined ? {} : { score: numberOr(options.score) }),
  };
  if (options.feed === undefined) {
    const toScore = options.toScore ? { toScore: true as const } : {};
    return { feed: { ...PLAIN, ...toScore, type: options.type ?? 'cidr' }, settings: given, own };
  }
  const policy = options.policy ?? config?.policy;
  if (policy === undefined) {
    throw new CliError(
      '--feed needs the policy that declares it: --policy FILE or --config FILE',
      EXIT.usage,
    );
  }
  const feed = feedOf(policy, options.feed);
  return { feed, settings: { ...optionsOf(config?.feeds ?? null, feed.name), ...given }, own };
}

/** As a feed of a URL, which is judged. */
const PLAIN: Feed = {
  name: 'file',
  type: 'cidr',
  source: 'url',
  path: '',
  declaredIn: '',
  refreshMs: null,
  maxAgeMs: null,
  onStale: 'keep',
  maxEntries: 1_000_000,
};

function numberOr(text: string): string | number {
  return /^\d{1,4}$/.test(text) ? Number(text) : text;
}

function configOf(file: string) {
  const loaded = loadConfig(resolve(file), process.env, {});
  if (!('problems' in loaded)) return loaded.config;
  printDiagnostics(loaded.problems, new Map(), 'human');
  throw new CliError(`${file} cannot be used`);
}

function feedOf(policy: string, name: string): Feed {
  const { bundle, diagnostics, sources } = compilePolicyFile({
    path: policy,
    host: null,
    purpose: 'check',
    env: process.env,
  });
  if (bundle === null) {
    printDiagnostics(diagnostics, sources, 'human');
    throw new CliError(`${policy} cannot be used`);
  }
  const { feeds } = bundle.program;
  const found = feeds.find((feed) => feed.name === name);
  if (found !== undefined) return { ...found, source: found.source === 'file' ? 'url' : found.source };
  const names = feeds.map((feed) => feed.name);
  const help = suggest(name, names, names.length === 0 ? 'it has none' : `it has: ${names.join(', ')}`);
  throw new CliError(`${policy} has no feed called ${name}; ${help}`);
}

function examine(
  file: string,
  bytes: Uint8Array,
  feed: Feed,
  options: FeedOptions,
  own: readonly string[],
  known: number | null,
): Report {
  const empty = { file, type: feed.type, members: 0, ending: 0, sample: [], bad: [], badCount: 0 };
  let format = options.format ?? feed.format ?? 'unknown';
  try {
    checkText(bytes);
    if (format === 'unknown') format = guess(feed, bytes, options);
    const content = readFeed(feed, bytes, { options, fetchedMs: Date.now() });
    const { members, lines, bad, expires = [] } = content;
    const judged = { feed, options, own, before: known, accepted: NOTHING_ACCEPTED, good: null };
    const found: { message: string; line: number | null }[] = [];
    for (const { message, index } of findings(content, judged)) {
      const line = index === null ? null : (lines[index] ?? null);
      // Without lines, a member that comes again is told of once.
      if (line === null && found.some((each) => each.message === message)) continue;
      found.push({ message, line });
      if (found.length === MAX_SHOWN) break;
    }
    const raw = textOf(bytes).split('\n');
    return {
      ...empty,
      format,
      members: members.length - bad.length,
      ending: expires.filter(Number.isFinite).length,
      sample: sampleOf(content),
      bad: bad.slice(0, MAX_SHOWN).map((index) => badLine(members.at(index)!, lines[index] ?? null, raw)),
      badCount: bad.length,
      findings: found,
      ok: found.length === 0,
    };
  } catch (error) {
    if (!(error instanceof FeedFormatError)) throw error;
    return { ...empty, format, findings: [{ message: error.message, line: error.line }], ok: false };
  }
}

/** The first good members. */
function sampleOf({ members, bad }: FeedContent): string[] {
  const isBad = new Set(bad);
  const sample: string[] = [];
  for (let index = 0; index < members.length && sample.length < SAMPLE; index++) {
    if (!isBad.has(index)) sample.push(members.at(index)!);
  }
  return sample;
}

/** The format that is read where nobody says one. */
function guess(feed: Feed, bytes: Uint8Array, { column, path }: FeedOptions): string {
  if (feed.source === 'crowdsec') return 'crowdsec';
  if (column !== undefined) return 'csv';
  return path !== undefined ? 'json' : detectFormat(bytes, feed.type);
}

function badLine(text: string, line: number | null, raw: readonly string[]): BadLine {
  const shown = text.slice(0, 80);
  if (line === null) return { line, column: null, text: shown };
  return { line, column: Math.max(0, raw[line - 1]!.indexOf(shown)) + 1, text: shown };
}

function describe(report: Report): string {
  const { file, type, format, members, ending, sample, bad, badCount } = report;
  const paint = painter(useColor(process.stdout));
  const verdict = report.ok ? paint('green', 'would be taken') : paint('red', 'would be refused');
  const rows = [
    `${paint('bold', file)}: ${verdict}`,
    `  ${members.toLocaleString('en')} members of type ${type}, read as ${format}${ending > 0 ? `; ${ending} end by themselves` : ''}`,
    ...(sample.length > 0 ? [`  such as ${sample.join(', ')}`] : []),
    ...report.findings.map(({ message, line }) => `  ${at(file, line, null)}${message}`),
    ...(badCount > 0
      ? [
          `  ${badCount} that ${badCount === 1 ? 'is none' : 'are none'}, left out where one in a hundred or fewer are:`,
        ]
      : []),
    ...bad.map(({ line, column, text }) => `    ${at(file, line, column)}${JSON.stringify(text)}`),
    ...(badCount > bad.length ? [`    and ${badCount - bad.length} more`] : []),
  ];
  return `${rows.join('\n')}\n`;
}

function at(file: string, line: number | null, column: number | null): string {
  return line === null ? '' : `${file}:${line}${column === null ? '' : `:${column}`}: `;
}
