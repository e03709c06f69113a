/** From the text of a policy to the program that the engine runs. */

import { checkProgram } from '../check/check.ts';
import { type Cost, costOf } from '../check/cost.ts';
import { type Diagnostic, Report } from '../diagnostics/diagnostic.ts';
import type { Feed, Policy, Program } from '../ir.ts';
import { RELEASE_TARGET, type Target } from '../registry/target.ts';
import type { Declaration } from '../syntax/ast.ts';
import { compileTest, type PolicyTest } from '../testing/compile-test.ts';
import { Build, MAX_RULES } from './build.ts';
import { compileChallenge } from './challenge.ts';
import { compileCondition } from './condition.ts';
import { rungsOf } from './ladder.ts';
import { compileMode } from './modes.ts';
import { type Found, type Load, loadModules, lookup, type Module, type SourceFile } from './modules.ts';
import { checkAnnotations } from './notes.ts';
import { checkAbstractPolicy, compilePolicy, policyIndex } from './policy.ts';
import { compileRule } from './rule.ts';
import { scoreIndex, scoreOf } from './score.ts';
import { declaredSet } from './sets.ts';
import { checkOverlaps, siteIndex } from './site.ts';
import {
  compileCa,
  compileCounter,
  compileFeed,
  compileLimit,
  compileSecret,
  compileVerdict,
} from './source.ts';
import type { TerminationEntry } from './termination.ts';

export type { Diagnostic } from '../diagnostics/diagnostic.ts';
export type { PolicyTest } from '../testing/compile-test.ts';
export type { Load, SourceFile } from './modules.ts';

export interface CompileResult {
  /** Null when there is any error. */
  readonly program: Program | null;
  readonly diagnostics: readonly Diagnostic[];
  /** What the program asks of an engine beyond deciding by facts, as errors for one that cannot do it. */
  readonly needs: readonly Diagnostic[];
  /** By policy of the program: what only an edge can do that ends the client's TLS. */
  readonly termination: ReadonlyMap<Policy, readonly TerminationEntry[]>;
  /** What a decision costs at worst; null when there is any error. */
  readonly cost: Cost | null;
  /** The `test` blocks of the entry file. */
  readonly tests: readonly PolicyTest[];
}

export interface CompileOptions {
  /** Milliseconds since the epoch; without it nothing is said about what expires. */
  readonly now?: number;
  /** What will serve the policy; without it, what this release was made for. */
  readonly target?: Target;
  /** Also say what is merely worth knowing. */
  readonly infos?: boolean;
}

/** Bounds of the engine's image (besides atoms and cubes, which `Build` keeps). */
const MAX_SIGNALS = 512;
const MAX_COUNTERS = 64;
const MAX_SCORE_MAPS = 8;
const MAX_CANARIES = 64;

/**
 * Compiles a policy and the files it imports. `load` finds an imported file (null when there is none);
 * `std/…` files come with the language and are never asked for. Never throws for what a policy says.
 */
export function compile(entry: SourceFile, load: Load, options: CompileOptions = {}): CompileResult {
  const report = new Report(options.infos ?? false);
  const [main] = loadModules(entry, load, report) as [Module];
  const build = new Build(report, options.target ?? RELEASE_TARGET);
  for (const node of main.file.declarations) {
    if (report.isFull) break;
    compileDeclaration(build, main, node);
  }
  const sites = declarationsOf(main, 'site');
  checkOverlaps(build, sites);
  const isLibrary = sites.length === 0;
  if (isLibrary) {
    const help = 'add a `site` with `listen`, `sni`, `score`, `ladder` and `on_error`';
    build.need('PDL-I002', main.file.span, 'a policy without a site decides about nobody, so it is', help);
  }
  const tests = declarationsOf(main, 'test').flatMap(
    ({ node, module }) => compileTest(build, module, node) ?? [],
  );
  if (!report.hasErrors) checkSizes(build, main);
  if (!report.hasErrors && !isLibrary) warnOfUnused(build, main);
  const whole = report.hasErrors ? null : programOf(build, main);
  if (whole !== null) {
    checkProgram({ program: whole, origins: build.origins, report, now: options.now ?? null });
  }
  const program = report.hasErrors ? null : whole;
  const needs = program === null ? [] : [...build.needs.values()];
  const cost = program === null ? null : costOf(program);
  const { termination } = build.origins;
  return {
    program,
    diagnostics: report.sorted(),
    needs,
    termination,
    cost,
    tests: program === null ? [] : tests,
  };
}

function declarationsOf<K extends Declaration['kind']>(
  module: Module,
  kind: K,
): Found<Extract<Declaration, { kind: K }>>[] {
  type Node = Extract<Declaration, { kind: K }>;
  const nodes = module.file.declarations.filter((node): node is Node => node.kind === kind);
  return nodes.map((node) => ({ node, module }));
}

/** Compiles one declaration of the entry file, used or not, so that all of it is checked. */
function compileDeclaration(build: Build, module: Module, node: Declaration): void {
  checkAnnotations(build, node.annotations);
  const wasUsed = build.used.has(node);
  switch (node.kind) {
    case 'define':
      build.open.add(node);
      compileCondition(build, module, node.condition);
      build.open.delete(node);
      break;
    case 'set':
      declaredSet(build, { node, module });
      break;
    case 'feed':
      compileFeed(build, { node, module });
      break;
    case 'secret':
      compileSecret(build, { node, module });
      break;
    case 'ca':
      compileCa(build, { node, module });
      break;
    case 'mode':
      compileMode(build, { node, module });
      break;
    case 'counter':
      compileCounter(build, { node, module });
      break;
    case 'limit':
      compileLimit(build, { node, module });
      break;
    case 'challenge':
      compileChallenge(build, { node, module });
      break;
    case 'policy':
      if (node.abstract) checkAbstractPolicy(build, { node, module });
      else policyIndex(build, { node, module });
      break;
    case 'score':
      scoreIndex(build, { node, module });
      break;
    case 'ladder': {
      const score = scoreOf(build, module, node.score);
      rungsOf(build, module, node.rungs, score === null ? null : build.scores.items[score]!);
      break;
    }
    case 'ruleset':
      checkRuleset(build, module, node);
      break;
    case 'site':
      siteIndex(build, { node, module });
      break;
    case 'prove':
      checkProof(build, module, node);
      break;
    default:
  }
  if (!wasUsed) build.used.delete(node);
}

/** A ruleset that no site takes is checked here; its rules get no place in the program. */
function checkRuleset(build: Build, module: Module, node: Extract<Declaration, { kind: 'ruleset' }>): void {
  const taken = module.file.declarations.some(
    (site) =>
      site.kind === 'site' &&
      site.entries.some(
        (entry) => entry.kind === 'rules' && entry.list.items.some(({ text }) => text === node.name.text),
      ),
  );
  if (!taken) for (const rule of node.rules) compileRule(build, module, rule);
}

/** A proof is type-checked; nothing proves it yet. */
function checkProof(build: Build, module: Module, node: Extract<Declaration, { kind: 'prove' }>): void {
  lookup(module, ['site'], node.site, build.report);
  compileCondition(build, module, node.when);
  for (const goal of node.goals) {
    if (goal.kind === 'action') compileVerdict(build, goal.verdict);
    if (goal.kind !== 'policy') continue;
    for (const name of goal.names.items) compilePolicy(build, module, name);
  }
  const help = 'write a `test` for the cases that matter most';
  build.report.warning('PDL-X008', node.name.span, 'this proof is type-checked, but not proved yet', help);
}

/** Rules of the decision core that the demands of policies take: two for one on a certificate. */
function demandRules(policies: readonly Policy[]): number {
  return policies.reduce(
    (sum, { ensure, clientCert }) => sum + (ensure?.length ?? 0) + 2 * (clientCert?.ensure.length ?? 0),
    0,
  );
}

function checkSizes(build: Build, { file }: Module): void {
  const signals = build.scores.items.reduce((sum, score) => sum + score.signals.length, 0);
  const count = (match: (feed: Feed) => boolean): number => build.feeds.items.filter(match).length;
  const sizes: readonly (readonly [string, number, number])[] = [
    ['rules and demands', build.rules.items.length + demandRules(build.policies.items), MAX_RULES],
    ['canaries', build.canaries.length, MAX_CANARIES],
    ['signals', signals, MAX_SIGNALS],
    [
      'counters and DNS lists',
      build.counters.items.length + count(({ source }) => source === 'dnsbl'),
      MAX_COUNTERS,
    ],
    ['feeds to score', count(({ toScore }) => toScore === true), MAX_SCORE_MAPS],
  ];
  for (const [what, size, most] of sizes) {
    if (size <= most) continue;
    const message = `the program has ${size} ${what}, and ${most} is the most`;
    build.report.error('PDL-B003', file.span, message, `merge ${what} that decide the same`);
  }
}

/** Policies that some site may put in force. */
function reachedPolicies({ sites, rules, limits, policies, origins }: Build): Set<Declaration> {
  const outcomes = [...rules.items.map(({ outcome }) => outcome), ...limits.items.map((limit) => limit.then)];
  const indexes = [
    ...outcomes.flatMap((outcome) => (outcome.action === 'use' ? [outcome.policy] : [])),
    ...sites.items.flatMap(({ ladder, canaryLadder, shadowLadder, onError }) => [
      onError,
      ...[...ladder, ...(canaryLadder?.ladder ?? []), ...(shadowLadder ?? [])].map(({ policy }) => policy),
    ]),
  ];
  return new Set(indexes.flatMap((index) => origins.policies.get(policies.items[index]!) ?? []));
}

const CAN_BE_UNUSED: readonly Declaration['kind'][] = ['site', 'test', 'prove', 'let'];

function warnOfUnused(build: Build, module: Module): void {
  const reached = reachedPolicies(build);
  for (const node of module.file.declarations) {
    const unreached = node.kind === 'policy' && !node.abstract && build.used.has(node) && !reached.has(node);
    if (CAN_BE_UNUSED.includes(node.kind) || (build.used.has(node) && !unreached)) continue;
    if (node.annotations.some(({ name, value }) => name.text === 'allow' && value === 'PDL-P001')) continue;
    const message = unreached
      ? `policy \`${node.name.text}\` is extended, and used by no site itself`
      : `${node.kind} \`${node.name.text}\` is never used`;
    const help = unreached ? 'declare it `abstract`, or use it' : 'use it or remove it';
    build.report.warning('PDL-P001', node.name.span, message, help);
  }
}

function programOf(build: Build, { file }: Module): Program {
  return {
    edition: 1,
    revision: file.revision,
    meta: Object.fromEntries(file.meta.map(({ key, value }) => [key.text, value])),
    atoms: build.atoms,
    tables: build.tables,
    feeds: build.feeds.items,
    counters: build.counters.items,
    canaries: build.canaries,
    limits: build.limits.items,
    scores: build.scores.items,
    rules: build.rules.items,
    policies: build.policies.items,
    challenges: build.challenges.items,
    secrets: build.secrets.items,
    cas: build.cas.items,
    modes: build.modes.items,
    sites: build.sites.items,
    requiredFacts: [...build.requiredFacts].sort((a, b) => a - b),
  };
}
