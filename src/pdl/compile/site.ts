/** Sites: what they serve, and their forms in the states of modes. */

import type { Mode, Rung, Site, Span } from '../ir.ts';
import type { ModeNode, Name, RuleNode, SiteEntry, SiteNode } from '../syntax/ast.ts';
import { type Build, MAX_RULES } from './build.ts';
import { atom } from './formula.ts';
import { ladderOf } from './ladder.ts';
import { stateOf } from './modes.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { compilePolicy, limitOf } from './policy.ts';
import { compileRule } from './rule.ts';
import { scoreOf } from './score.ts';
import { canaryTest } from './stages.ts';
import { readValue } from './values.ts';

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
  build.origins.sites.set(index, node);
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
    if (isInitial) sites.push(index);
    else {
      const other = build.sites.append({ name: fullName(found), listeners: [], sni: [], ...form });
      build.origins.sites.set(other, found.node);
      sites.push(other);
    }
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
    build.report.error('PDL-P011', second.span, `\`${kind}\` is written twice`, 'keep one of them', {
      labels: [label],
    });
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
  const last = rules[MAX_RULES];
  if (last !== undefined) {
    const message = `the site has ${rules.length} rules, and ${MAX_RULES} is the most`;
    build.report.error('PDL-B003', last.node.name.span, message, 'merge rules that decide the same');
    return [];
  }
  const indexes = rules.map((rule) => {
    const { name } = rule.node;
    const earlier = names.get(name.text);
    if (earlier) {
      const label = { span: earlier, text: 'declared here first' };
      const message = `the site has two rules called \`${name.text}\``;
      build.report.error('PDL-N002', name.span, message, 'give one of them another name', {
        labels: [label],
      });
    }
    names.set(name.text, name.span);
    return build.rules.index(rule.node, build.context, () => compileRule(build, rule.module, rule.node));
  });
  // why: order never decides, so it is the same however the file is ordered.
  return indexes.sort((a, b) => a - b);
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
          build.report.error('PDL-I003', found.node.name.span, message, 'let each name belong to one site', {
            labels: [label],
          });
        } else claims.set(key, found.node.name);
      }
    }
  }
}
