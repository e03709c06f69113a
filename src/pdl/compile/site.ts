/** Sites and their rules and ladders. */

import { scoreBounds } from '../check/reach.ts';
import type { Mode, Rule, Rung, Score, Site, Span } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { ModeNode, Name, RuleNode, RungNode, SiteEntry, SiteNode } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { compileCondition } from './condition.ts';
import { and, atom, type Formula } from './formula.ts';
import { stateOf } from './modes.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { checkAnnotations, warnUnlessAllowed } from './notes.ts';
import { compilePolicy, limitOf } from './policy.ts';
import { scoreOf } from './score.ts';
import { compileVerdict } from './source.ts';
import { canaryTest, isShadow, narrowed } from './stages.ts';
import { integerOf, timeOf } from './units.ts';
import { readValue } from './values.ts';

const TIME_NOW = FACTS.findIndex((fact) => fact.name === 'time.now');
const DAY_MS = 86_400_000;
type EntryOf<K extends SiteEntry['kind']> = Extract<SiteEntry, { kind: K }>;

/** What a site says outside of modes, and the states in which it says more. */
interface Plan {
  readonly score: EntryOf<'score'> | null;
  readonly ladder: EntryOf<'ladder'> | null;
  readonly canaryLadder: EntryOf<'ladder'> | null;
  readonly shadowLadder: EntryOf<'ladder'> | null;
  readonly onError: EntryOf<'on_error'> | null;
  readonly entries: readonly SiteEntry[];
}
/** Combinations of states that one site may be compiled for. */
const MAX_FORMS = 64;

export function siteIndex(build: Build, found: Found<SiteNode>): number {
  return build.sites.index(found.node, (index) => makeSite(build, found, index));
}

function makeSite(build: Build, found: Found<SiteNode>, index: number): Site {
  const { node, module } = found;
  const listen = one(build, node.entries, 'listen');
  const sni = one(build, node.entries, 'sni');
  const plan = planOf(build, node.entries);
  checkComplete(build, node, { listen, sni, score: plan.score, ladder: plan.ladder, on_error: plan.onError });
  const base = {
    name: fullName(found),
    listeners: listen?.names.map((name) => name.text) ?? [],
    sni: serverNames(build, module, sni),
  };
  const overlays = overlaysOf(build, found);
  build.modesAsked.clear();
  const plain = makeForm(build, found, plan, overlays, new Map());
  const modes = [...new Set([...overlays.map(({ mode }) => mode), ...build.modesAsked])] as ModeNode[];
  if (modes.length === 0 || build.report.hasErrors) return { ...base, ...plain };
  return { ...base, ...formsOf(build, found, plan, overlays, modes, index) };
}

type Form = Omit<Site, 'name' | 'listeners' | 'sni'>;

/** The site in each combination of the modes' states; the initial one is the site itself. */
function formsOf(
  build: Build,
  found: Found<SiteNode>,
  plan: Plan,
  overlays: readonly Overlay[],
  modes: readonly ModeNode[],
  index: number,
): Form {
  const count = modes.reduce((product, { states }) => product * states.length, 1);
  if (count > MAX_FORMS) {
    const message = `site \`${found.node.name.text}\` depends on ${count} combinations of states; ${MAX_FORMS} are the most`;
    build.report.error('PDL-B003', found.node.name.span, message, 'use fewer modes or states in one site');
    return makeForm(build, found, plan, overlays, new Map());
  }
  const sites: number[] = [];
  let initial: Form | null = null;
  for (let combination = 0; combination < count; combination++) {
    const states = new Map<ModeNode, number>();
    let rest = combination;
    for (const mode of modes.toReversed()) {
      states.set(mode, rest % mode.states.length);
      rest = Math.floor(rest / mode.states.length);
    }
    const form = makeForm(build, found, plan, overlays, states);
    const isInitial = modes.every((mode) => mode.states[states.get(mode)!]?.initial === true);
    if (isInitial) initial = form;
    sites.push(
      isInitial ? index : build.sites.append({ name: fullName(found), listeners: [], sni: [], ...form }),
    );
  }
  const indexes = modes.map((node) => build.modes.index(node, () => ({}) as Mode));
  return {
    ...(initial ?? makeForm(build, found, plan, overlays, new Map())),
    forms: { modes: indexes, sites },
  };
}

/** The only entry of its kind; a second one is reported. */
function one<K extends SiteEntry['kind']>(
  build: Build,
  entries: readonly SiteEntry[],
  kind: K,
  fits: (entry: EntryOf<K>) => boolean = () => true,
): EntryOf<K> | null {
  const all = (entries.filter((entry) => entry.kind === kind) as EntryOf<K>[]).filter(fits);
  const [first, second] = all;
  if (second) {
    const label = { span: first!.span, text: 'written here first' };
    build.report.error('PDL-P011', second.span, `\`${kind}\` is written twice`, 'keep one of them', [label]);
  }
  return first ?? null;
}

function planOf(build: Build, entries: readonly SiteEntry[]): Plan {
  const ladder = (stage: 'shadow' | 'canary' | null): EntryOf<'ladder'> | null =>
    one(build, entries, 'ladder', (entry) => (entry.stage?.kind ?? null) === stage);
  one(build, entries, 'rules');
  one(build, entries, 'limits');
  return {
    score: one(build, entries, 'score'),
    ladder: ladder(null),
    canaryLadder: ladder('canary'),
    shadowLadder: ladder('shadow'),
    onError: one(build, entries, 'on_error'),
    entries,
  };
}

function checkComplete(
  build: Build,
  node: SiteNode,
  parts: Readonly<Record<string, SiteEntry | null>>,
): void {
  if (node.damaged) return;
  for (const [kind, entry] of Object.entries(parts)) {
    if (entry !== null) continue;
    const message = `site \`${node.name.text}\` does not say \`${kind}\``;
    build.report.error('PDL-I001', node.name.span, message, MISSING[kind] ?? `add \`${kind}\``);
  }
}

interface Overlay {
  readonly mode: ModeNode;
  readonly state: number;
  readonly plan: Plan;
}

/** `during MODE STATE { … }`: score, ladders and `on_error` take the place of the site's; the rest is added. */
function overlaysOf(build: Build, { node, module }: Found<SiteNode>): Overlay[] {
  return node.entries.flatMap((entry) => {
    if (entry.kind !== 'during') return [];
    for (const inner of entry.entries) {
      if (!['listen', 'sni', 'during'].includes(inner.kind)) continue;
      const message = `\`${inner.kind}\` cannot depend on a mode`;
      build.report.error('PDL-I004', inner.span, message, 'write it in the site itself');
    }
    const found = stateOf(build, module, entry.mode, entry.state);
    return found === null
      ? []
      : [{ mode: found.node, state: found.state, plan: planOf(build, entry.entries) }];
  });
}

/** The site as it is in the given states; in an empty map no `during` holds. */
function makeForm(
  build: Build,
  found: Found<SiteNode>,
  own: Plan,
  overlays: readonly Overlay[],
  states: ReadonlyMap<ModeNode, number>,
): Form {
  const { node, module } = found;
  const plans = [
    own,
    ...overlays.filter(({ mode, state }) => states.get(mode) === state).map(({ plan }) => plan),
  ];
  const last = <K extends keyof Plan>(key: K): Plan[K] | null =>
    plans.findLast((plan) => plan[key] !== null)?.[key] ?? null;
  build.states = states;
  const scoreEntry = last('score');
  const onError = last('onError');
  const score = scoreEntry === null ? null : scoreOf(build, module, scoreEntry.name);
  const rungs = (entry: EntryOf<'ladder'> | null): Rung[] =>
    entry === null ? [] : ladderOf(build, module, entry, scoreEntry?.name ?? null, score);
  const canary = last('canaryLadder');
  const shadow = last('shadowLadder');
  const test = canaryTest(build, canary?.stage ?? null, `${fullName(found)}.ladder`);
  if (shadow !== null) isShadow(build, shadow.stage);
  const entries = plans.flatMap((plan) => plan.entries);
  const limits = entries.flatMap((entry) => (entry.kind === 'limits' ? entry.list.items : []));
  const form: Form = {
    score: score ?? 0,
    ladder: rungs(last('ladder')),
    ...(canary === null || test === null
      ? {}
      : {
          canaryLadder: {
            when: build.condition(atom(test), 'the canary ladder', canary.span),
            ladder: rungs(canary),
          },
        }),
    ...(shadow === null ? {} : { shadowLadder: rungs(shadow) }),
    rules: rulesOf(build, module, entries),
    limits: [...new Set(limits.flatMap((item) => limitOf(build, module, item) ?? []))],
    onError: onError === null ? 0 : compilePolicy(build, module, onError.name),
  };
  build.states = null;
  checkRanks(build, node.name, form);
  return form;
}

const MISSING: Readonly<Record<string, string>> = {
  listen: 'add `listen NAME`, a listener of sallyport.yaml',
  sni: 'add `sni any` or the names it serves',
  on_error: 'add `on_error use POLICY`, for when the engine cannot answer',
};

function serverNames(build: Build, module: Module, entry: EntryOf<'sni'> | null): Site['sni'] {
  if (entry === null) return 'any';
  if (typeof entry.names === 'string') return entry.names;
  return entry.names.items.flatMap((value) => {
    const name = readValue(module, value, 'host', build.report);
    return name === null ? [] : [String(name)];
  });
}

function ladderOf(
  build: Build,
  module: Module,
  entry: EntryOf<'ladder'>,
  scoreName: Name | null,
  score: number | null,
): Rung[] {
  if ('length' in entry.ladder) {
    return rungsOf(build, module, entry.ladder, score === null ? null : build.scores.items[score]!);
  }
  const found = lookup(module, ['ladder'], entry.ladder, build.report);
  if (found === null) return [];
  build.used.add(found.node);
  const graded = scoreOf(build, found.module, found.node.score);
  if (graded !== null && score !== null && graded !== score) {
    const message = `this ladder grades \`${found.node.score.text}\`, and the site's score is \`${scoreName!.text}\``;
    build.report.error('PDL-L010', entry.span, message, 'use a ladder on the score of the site');
  }
  return rungsOf(build, found.module, found.node.rungs, score === null ? null : build.scores.items[score]!);
}

/** Checks that the rungs rise from the clamp's minimum, and warns of those no score reaches. */
export function rungsOf(
  build: Build,
  module: Module,
  nodes: readonly RungNode[],
  score: Score | null,
): Rung[] {
  const { report } = build;
  const rungs = nodes.map((node) => ({
    from: integerOf(node.from.text),
    policy: compilePolicy(build, module, node.policy),
  }));
  if (score === null) return rungs;
  const { high } = scoreBounds(score);
  nodes.forEach((node, index) => {
    const { from } = rungs[index]!;
    if (index === 0 && from !== score.min) {
      const message = `the first rung begins at ${from}, but scores begin at ${score.min}`;
      report.error('PDL-L001', node.from.span, message, `write \`from ${score.min}\``);
    } else if (index > 0 && from <= rungs[index - 1]!.from) {
      const message = 'the rungs of a ladder must rise';
      report.error(
        'PDL-L001',
        node.from.span,
        message,
        'order them by their bound, each above the one before',
      );
    } else if (from > score.max) {
      const message = `scores end at ${score.max}`;
      report.error('PDL-L001', node.from.span, message, 'lower the bound or widen the clamp');
    } else if (from > high && !report.hasErrors) {
      const message = `this rung cannot be reached: \`${score.name}\` is at most ${high}`;
      report.warning('PDL-L002', node.span, message, 'lower the bound, or give signals more points');
    }
  });
  return rungs;
}

function rulesOf(build: Build, module: Module, entries: readonly SiteEntry[]): number[] {
  const rules: { node: RuleNode; module: Module }[] = [];
  for (const entry of entries) {
    if (entry.kind === 'rule') rules.push({ node: entry.rule, module });
    if (entry.kind !== 'rules') continue;
    for (const item of entry.list.items) {
      const found = lookup(module, ['ruleset'], { text: item.text, span: item.span }, build.report);
      if (found === null) continue;
      build.used.add(found.node);
      for (const rule of found.node.rules) rules.push({ node: rule, module: found.module });
    }
  }
  const names = new Map<string, Span>();
  return rules.map((rule) => {
    const { name } = rule.node;
    const earlier = names.get(name.text);
    if (earlier) {
      const label = { span: earlier, text: 'declared here first' };
      const message = `the site has two rules called \`${name.text}\``;
      build.report.error('PDL-N002', name.span, message, 'give one of them another name', [label]);
    }
    names.set(name.text, name.span);
    return build.rules.index(rule.node, build.context, () => compileRule(build, rule.module, rule.node));
  });
}

export function compileRule(build: Build, module: Module, node: RuleNode): Rule {
  const { report } = build;
  const shadow = isShadow(build, node.stage) ? { shadow: true } : {};
  const test = canaryTest(build, node.stage, node.name.text);
  checkAnnotations(build, node.annotations);
  const before = report.errorCount;
  const owner = `${node.tier} ${node.name.text}`;
  const condition = compileCondition(build, module, node.when);
  const inForce = narrowed(beforeEnd(build, node, condition), test);
  const when = build.condition(inForce, owner, node.when.span);
  if (report.errorCount === before) {
    const always = when.some((cube) => cube.yes.length + cube.no.length === 0);
    if (when.length === 0) {
      const message = `\`${owner}\` can never fire: its condition contradicts itself`;
      warnUnlessAllowed(
        build,
        node.annotations,
        'PDL-R001',
        node.when.span,
        message,
        'remove it, or correct the condition',
      );
    } else if (always) {
      const message = `\`${owner}\` fires for every client`;
      warnUnlessAllowed(
        build,
        node.annotations,
        'PDL-R001',
        node.when.span,
        message,
        'add a condition that some clients fail',
      );
    }
  }
  const outcome = ruleOutcome(build, module, node);
  return { name: node.name.text, tier: node.tier, when, outcome, ...shadow, span: node.span };
}

/** `until` a date holds through the end of that day, in UTC. */
function beforeEnd(build: Build, node: RuleNode, condition: Formula | null): Formula | null {
  if (node.until === null || condition === null) return condition;
  const day = timeOf(node.until.text);
  if (Number.isNaN(day)) {
    build.report.error(
      'PDL-Y007',
      node.until.span,
      `\`${node.until.text}\` is no day of the calendar`,
      'correct the date',
    );
    return null;
  }
  const min = Number.MIN_SAFE_INTEGER;
  return and([condition, atom({ kind: 'range', operand: { fact: TIME_NOW }, min, max: day + DAY_MS - 1 })]);
}

function ruleOutcome(build: Build, module: Module, { tier, outcome, name }: RuleNode): Rule['outcome'] {
  const grants = tier === 'exempt' || tier === 'pin';
  const problem = (message: string, help: string): Rule['outcome'] => {
    build.report.error('PDL-R010', outcome?.span ?? name.span, message, help);
    return { action: 'accept' };
  };
  if (outcome === null) {
    const help = grants ? 'add `use POLICY`' : 'add `do drop`, `do reset`, `do refuse alert access_denied` …';
    return problem(`\`${tier} ${name.text}\` does not say what to do`, help);
  }
  if (outcome.action === 'use') return { action: 'use', policy: compilePolicy(build, module, outcome.name) };
  if (grants) return problem(`\`${tier}\` grants a policy, not a verdict`, 'write `use POLICY`');
  if (outcome.action === 'challenge')
    return problem('a rule cannot pose a challenge', 'use a policy that does');
  const verdict = compileVerdict(build, outcome);
  if (verdict.action === 'accept') {
    return problem(
      `\`${tier}\` turns clients away and cannot accept them`,
      'write an `exempt` rule to let clients in',
    );
  }
  return verdict;
}

/** Inside a tier the policy of higher rank wins, so the policies of a site must differ in rank. */
function checkRanks(build: Build, site: Name, { ladder, rules, onError }: Form): void {
  if (build.report.hasErrors) return;
  const granted = rules.flatMap((rule) => {
    const { outcome } = build.rules.items[rule]!;
    return outcome.action === 'use' ? [outcome.policy] : [];
  });
  const byRank = new Map<number, string>();
  for (const index of new Set([...ladder.map((rung) => rung.policy), ...granted, onError])) {
    const { name, rank } = build.policies.items[index]!;
    const other = byRank.get(rank);
    if (other !== undefined) {
      const message = `site \`${site.text}\` can reach \`${other}\` and \`${name}\`, and both have rank ${rank}`;
      build.report.error(
        'PDL-P004',
        site.span,
        message,
        'give them different ranks; the higher one is the stricter',
      );
    }
    byRank.set(rank, name);
  }
}

/** Reports pairs of sites that claim the same name on the same listener. */
export function checkOverlaps(build: Build, sites: readonly Found<SiteNode>[]): void {
  const claims = new Map<string, Name>();
  for (const found of sites) {
    const site = build.sites.items[siteIndex(build, found)]!;
    const names = typeof site.sni === 'string' ? [site.sni] : site.sni;
    for (const listener of site.listeners) {
      for (const name of names) {
        const key = `${listener}\0${name}`;
        const earlier = claims.get(key);
        if (earlier) {
          const label = { span: earlier.span, text: 'claimed here first' };
          const message = `two sites claim \`sni ${name}\` on listener \`${listener}\``;
          build.report.error('PDL-I003', found.node.name.span, message, 'let each name belong to one site', [
            label,
          ]);
        } else claims.set(key, found.node.name);
      }
    }
  }
}
