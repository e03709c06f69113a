/** `test` blocks: what is given, in the engine's terms, and what is expected. */

import type { Build } from '../compile/build.ts';
import { challengeOf } from '../compile/challenge.ts';
import { readMember } from '../compile/condition.ts';
import { stateOf } from '../compile/modes.ts';
import { type Found, lookup, type Module } from '../compile/modules.ts';
import { compilePolicy } from '../compile/policy.ts';
import { setTypeFor } from '../compile/sets.ts';
import { siteIndex } from '../compile/site.ts';
import { compileCounter, compileFeed, compileVerdict } from '../compile/source.ts';
import { integerOf, rateOf, timeOf, tlsVersionOf } from '../compile/units.ts';
import { readValue, resolveItems, type ValueType } from '../compile/values.ts';
import type { Mode, Site, Span, Verdict } from '../ir.ts';
import { resolveFact } from '../registry/fact-names.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { CIPHER_CODES, GROUP_CODES } from '../registry/iana.ts';
import type { ExpectEntry, GivenEntry, TestDeclaration, Value } from '../syntax/ast.ts';
import type { TextList } from '../text-list.ts';
import { BROWSER } from './browser.ts';

/** A fact's value in the engine's units; addresses are text; null is unknown. */
export type FactValue = boolean | number | string | readonly (number | string)[] | null;

export type Expectation =
  | { readonly kind: 'policy'; readonly policy: string }
  | { readonly kind: 'action'; readonly verdict: Verdict }
  | { readonly kind: 'score'; readonly from: number; readonly to: number }
  | { readonly kind: 'matched' | 'not_matched' | 'would_match'; readonly names: readonly string[] }
  | { readonly kind: 'challenge'; readonly challenge: string | null }
  | { readonly kind: 'negotiates'; readonly what: 'version' | 'cipher' | 'group'; readonly code: number };

export interface PolicyTest {
  readonly name: string;
  /** Name of the site. */
  readonly site: string;
  /** Index in `Program.sites` of the site, in the states of modes that are given. */
  readonly siteIndex: number;
  /** Every fact by name: those given, the others from the `std.browser` fixture. */
  readonly facts: Readonly<Record<string, FactValue>>;
  /** Members by index in `Program.feeds`; feeds not listed are empty. */
  readonly feeds: ReadonlyMap<number, TextList>;
  /** Events per second × 1,000,000 by index in `Program.counters`; counters not listed are at 0. */
  readonly rates: ReadonlyMap<number, number>;
  readonly expect: readonly (Expectation & { readonly span: Span })[];
  readonly span: Span;
}

export function compileTest(build: Build, module: Module, node: TestDeclaration): PolicyTest | null {
  const found = lookup(module, ['site'], node.site, build.report);
  if (found === null) return null;
  const own = siteIndex(build, found);
  const index = formOf(build, module, own, node.given);
  const site = build.sites.items[own]!;
  const form = build.sites.items[index]!;
  const facts: Record<string, FactValue> = { ...BROWSER, 'hello.sni': firstName(site) };
  facts['conn.listener'] = site.listeners[0] ?? '';
  const feeds = new Map<number, readonly string[]>();
  const rates = new Map<number, number>();
  for (const entry of node.given) applyGiven(build, module, entry, { facts, feeds, rates });
  presentCertificate(facts, node.given);
  const expect = node.expect.flatMap((entry) => {
    const expectation = compileExpectation(build, module, entry, found, form);
    return expectation === null ? [] : [{ ...expectation, span: entry.span }];
  });
  const { name } = node;
  return { name: name.text, site: site.name, siteIndex: index, facts, feeds, rates, expect, span: name.span };
}

/** The site in the states that the test gives; a mode that it does not name is in its initial state. */
function formOf(build: Build, module: Module, index: number, given: readonly GivenEntry[]): number {
  const states = new Map<number, number>();
  for (const entry of given) {
    if (entry.kind !== 'mode') continue;
    const found = stateOf(build, module, entry.mode, entry.state);
    if (found !== null)
      states.set(
        build.modes.index(found.node, () => ({}) as Mode),
        found.state,
      );
  }
  const { forms } = build.sites.items[index]!;
  if (forms === undefined) return index;
  const combination = forms.modes.reduce((sum, mode) => {
    const { initial, states: all } = build.modes.items[mode]!;
    return sum * all.length + (states.get(mode) ?? initial);
  }, 0);
  return forms.sites[combination] ?? index;
}

/** A client of which a test gives a certificate's facts has shown a good one, unless the test says otherwise. */
function presentCertificate(facts: Record<string, FactValue>, given: readonly GivenEntry[]): void {
  const names = given.flatMap((entry) => (entry.kind === 'fact' ? [entry.fact.text] : []));
  if (!names.some((name) => name.startsWith('cert.'))) return;
  for (const name of ['cert.present', 'cert.verified']) if (!names.includes(name)) facts[name] = true;
}

/** The name the fixture's browser asks for. */
export function firstName(site: Site): string | null {
  if (site.sni === 'none') return null;
  if (site.sni === 'any') return 'www.example.com';
  return (site.sni[0] ?? 'www.example.com').replace(/^\*/, 'www');
}

/** A member of a feed `to score` with its score; one without has the highest. */
const SCORED = /^.+ (?:\d{1,2}|100)$/;
const MAX_SCORE = 100;

interface World {
  readonly facts: Record<string, FactValue>;
  readonly feeds: Map<number, readonly string[]>;
  readonly rates: Map<number, number>;
}

function applyGiven(build: Build, module: Module, entry: GivenEntry, world: World): void {
  const { report } = build;
  switch (entry.kind) {
    case 'unknown': {
      const fact = resolveFact(entry.fact, report);
      if (fact !== null) world.facts[entry.fact.text] = null;
      break;
    }
    case 'fact': {
      const fact = resolveFact(entry.fact, report);
      if (fact !== null) world.facts[entry.fact.text] = givenValue(build, module, fact, entry.value);
      break;
    }
    case 'feed': {
      const found = lookup(module, ['feed'], entry.name, report);
      if (found === null) break;
      const type = setTypeFor(found.node.type.text as ValueType);
      const { toScore } = found.node;
      const members = resolveItems(module, entry.members).flatMap((value) => {
        if (toScore && value.kind === 'string' && SCORED.test(value.text)) return value.text;
        const member = readValue(module, value, type, report);
        return member === null ? [] : toScore ? `${member} ${MAX_SCORE}` : String(member);
      });
      world.feeds.set(compileFeed(build, found), members);
      break;
    }
    case 'rate': {
      const found = lookup(module, ['counter'], entry.name, report);
      if (found !== null) world.rates.set(compileCounter(build, found), rateOf(entry.rate.text));
      break;
    }
    case 'at': {
      const time = timeOf(entry.time.text);
      if (Number.isNaN(time)) {
        report.error(
          'PDL-Y007',
          entry.time.span,
          `\`${entry.time.text}\` is no time that exists`,
          'correct the date',
        );
        break;
      }
      const date = new Date(time);
      world.facts['time.now'] = time;
      world.facts['time.hour'] = date.getUTCHours();
      world.facts['time.weekday'] = date.getUTCDay();
      break;
    }
    case 'mode':
  }
}

function givenValue(
  build: Build,
  module: Module,
  fact: number,
  value: Extract<GivenEntry, { kind: 'fact' }>['value'],
): FactValue {
  const { name, type, list } = FACTS[fact]!;
  if (list !== 'items' in value) {
    const message = list ? `\`${name}\` is a list` : `\`${name}\` is one value`;
    build.report.error(
      'PDL-Y003',
      value.span,
      message,
      list ? 'write [ … ]' : 'write the value without brackets',
    );
    return null;
  }
  const read = (item: Value): number | string | null => readMember(build, module, item, type);
  if ('items' in value) return resolveItems(module, value).flatMap((item) => read(item) ?? []);
  const scalar = read(value);
  if (type === 'bool') return scalar === 1;
  if (type === 'ip') return String(scalar).split('/')[0]!;
  return type === 'asn' ? Number(scalar) : scalar;
}

function compileExpectation(
  build: Build,
  module: Module,
  entry: ExpectEntry,
  found: Found,
  site: Site,
): Expectation | null {
  switch (entry.kind) {
    case 'policy': {
      const policy = build.policies.items[compilePolicy(build, module, entry.name)];
      return policy ? { kind: 'policy', policy: policy.name } : null;
    }
    case 'action':
      return { kind: 'action', verdict: compileVerdict(build, entry.verdict) };
    case 'score':
      return { kind: 'score', from: integerOf(entry.from.text), to: integerOf(entry.to.text) };
    case 'challenge': {
      if (entry.name.text === 'none') return { kind: 'challenge', challenge: null };
      const index = challengeOf(build, module, entry.name);
      return index === null ? null : { kind: 'challenge', challenge: build.challenges.items[index]!.name };
    }
    case 'negotiates':
      return negotiated(build, entry.value);
    default: {
      checkMatchNames(build, entry.names.items, site, found);
      return { kind: entry.kind, names: entry.names.items.map((item) => item.text) };
    }
  }
}

function checkMatchNames(build: Build, items: readonly Value[], site: Site, found: Found): void {
  const known = new Set([
    ...site.rules.map((index) => build.rules.items[index]!.name),
    ...(build.scores.items[site.score]?.signals ?? []).map((signal) => signal.name),
  ]);
  for (const item of items) {
    if (known.has(item.text) || build.report.hasErrors) continue;
    const message = `site \`${found.node.name.text}\` has no rule or signal called \`${item.text}\``;
    build.report.error('PDL-N001', item.span, message, `it has ${[...known].join(', ')}`);
  }
}

function negotiated(build: Build, value: Value): Expectation | null {
  if (value.kind === 'tls_version') {
    return { kind: 'negotiates', what: 'version', code: tlsVersionOf(value.text) };
  }
  const cipher = CIPHER_CODES.get(value.text);
  if (cipher !== undefined) return { kind: 'negotiates', what: 'cipher', code: cipher };
  const group = GROUP_CODES.get(value.text);
  if (group !== undefined) return { kind: 'negotiates', what: 'group', code: group };
  const message = `\`${value.text}\` is no TLS version, cipher suite or group`;
  build.report.error('PDL-N007', value.span, message, 'use an IANA name such as TLS_AES_128_GCM_SHA256');
  return null;
}
