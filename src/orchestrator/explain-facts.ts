/**
 * Explains what a policy decides about a client that is described as tests describe one: what stands in
 * `given { … }`. What is not given is a current browser's; feeds that are not given are read from their files.
 */

import { dirname, resolve } from 'node:path';
import { Core } from '../core/core.ts';
import { encodeProgram, encodeTables } from '../core/image.ts';
import { loadCoreModule } from '../core/module.ts';
import { compile, type PolicyTest, type SourceFile } from '../pdl/compile/compile.ts';
import { type Diagnostic, Report } from '../pdl/diagnostics/diagnostic.ts';
import { type Explanation, explain } from '../pdl/explain/explanation.ts';
import { nearestChanges, type World } from '../pdl/explain/nearest.ts';
import type { Program } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import { parse } from '../pdl/syntax/parse.ts';
import { bareBundle } from './bundle.ts';
import { readSource } from './compile-policy.ts';
import { Engine } from './engine.ts';
import { setFact } from './fact-values.ts';
import { loadFeeds } from './feeds.ts';
import { setGivenLists } from './given-lists.ts';
import { History } from './history.ts';
import { memoryOfOne } from './shared-tables.ts';
import type { Verdict } from './verdict.ts';

export interface ExplainRequest {
  /** Path of the policy file. */
  readonly path: string;
  /** Entries of `given`, such as `conn.ip 203.0.113.7  unknown hello.sni`. */
  readonly given: string;
  /** The site that decides; null when the policy has one alone. */
  readonly site: string | null;
}

export interface ExplainOutcome {
  /** Null exactly when `diagnostics` holds an error. */
  readonly explanation: Explanation | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly sources: ReadonlyMap<string, string>;
}

/** The file that diagnostics about `given` name. */
const GIVEN = 'what was given';

export function explainFacts({ path, given, site }: ExplainRequest): ExplainOutcome {
  const file = resolve(path);
  const sources = new Map<string, string>([[GIVEN, given]]);
  const problems: Diagnostic[] = [];
  const open = (name: string): SourceFile | null => {
    const source = readSource(name);
    if ('code' in source) problems.push(source);
    else sources.set(name, source.text);
    return 'code' in source ? null : source;
  };
  const entry = open(file);
  if (entry === null) return { explanation: null, diagnostics: problems, sources };
  const chosen = siteOf(entry, site);
  if (typeof chosen !== 'string') return { explanation: null, diagnostics: [chosen], sources };
  const before = entry.text.split('\n').length + 1;
  const text = `${entry.text}\ntest "given" for ${chosen} { given {\n${given}\n} expect { } }\n`;
  const compiled = compile({ path: file, text }, (name, from) => open(resolve(dirname(from), name)));
  const errors = compiled.diagnostics.filter(({ severity }) => severity === 'error');
  const diagnostics = [...problems, ...errors].map((each) => relocate(each, file, before));
  const test = compiled.tests.at(-1);
  if (compiled.program === null || test === undefined || diagnostics.length > 0)
    return { explanation: null, diagnostics, sources };
  return { explanation: explainTest(compiled.program, test), diagnostics, sources };
}

/** The site asked for, or the only one. */
function siteOf({ path, text }: SourceFile, asked: string | null): string | Diagnostic {
  const { declarations, span } = parse(path, text, new Report());
  const sites = declarations.flatMap(({ kind, name }) => (kind === 'site' ? [name.text] : []));
  if (asked === null && sites.length === 1) return sites[0]!;
  if (asked !== null && sites.includes(asked)) return asked;
  const message =
    asked === null ? `this policy has ${sites.length} sites` : `there is no site called \`${asked}\` here`;
  const help = sites.length === 0 ? 'name a policy with a site' : `choose with --site: ${sites.join(', ')}`;
  return { code: 'PDL-N001', severity: 'error', message, ...span, help };
}

/** Diagnostics beyond the file's own lines are about what was given. */
function relocate(diagnostic: Diagnostic, file: string, before: number): Diagnostic {
  if (diagnostic.file !== file || diagnostic.line <= before) return diagnostic;
  const { line, endLine } = diagnostic;
  return { ...diagnostic, file: GIVEN, line: line - before, endLine: endLine - before };
}

function explainTest(program: Program, { facts, rates, feeds, siteIndex }: PolicyTest): Explanation {
  const site = program.sites[siteIndex]!;
  const members = new Map([...loadFeeds(program, 'check', null).members, ...feeds]);
  const { image, imageId } = encodeProgram(program);
  const engine = new Engine(new Core(loadCoreModule()), new History(memoryOfOne()));
  let loaded: World['feeds'] | null = null;
  const decide = (world: World): Verdict => {
    if (world.feeds !== loaded) {
      const tables = encodeTables(program, world.feeds);
      engine.load(bareBundle({ program, image, imageId, tables }), 1);
      loaded = world.feeds;
    }
    return decideAbout(engine, siteIndex, world);
  };
  const world: World = { facts, rates, feeds: members };
  const nearest = nearestChanges(program, site, world, decide);
  const isUnknown = (fact: number): boolean => (facts[FACTS[fact]!.name] ?? null) === null;
  return explain(program, site, decide(world), isUnknown, nearest);
}

/** As tests are decided: every fact given, nothing remembered of the client asked about before. */
function decideAbout(engine: Engine, siteIndex: number, { facts, rates, feeds }: World): Verdict {
  const { core, program } = engine;
  core.begin();
  for (const [name, value] of Object.entries(facts)) setFact(core, name, value);
  for (const index of program.counters.keys()) core.setRate(index, rates.get(index) ?? 0);
  setGivenLists(core, program, feeds, facts['conn.ip']);
  return engine.explainSite(siteIndex, 'request');
}
