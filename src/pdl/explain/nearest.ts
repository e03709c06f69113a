/**
 * Which small change of a client would have led to another decision? Candidates are the values at which a
 * test of the site's conditions turns over; each is put to the evaluator itself, so what is told is true.
 */
import type { Atom, Operand, Program, Site, Table } from '../ir.ts';
import { FACTS, type FactDefinition } from '../registry/facts.gen.ts';
import { showFact, showRate, showValue } from '../registry/show-value.ts';
import { BROWSER } from '../testing/browser.ts';
import { type FactValue, firstName } from '../testing/compile-test.ts';
import { showVerdict, type TestAnswer } from '../testing/test-run.ts';
import type { TextList } from '../text-list.ts';

export interface World {
  readonly facts: Readonly<Record<string, FactValue>>;
  /** Events per second × 1,000,000 by index in `Program.counters`; counters not listed are at 0. */
  readonly rates: ReadonlyMap<number, number>;
  /** Members by index in `Program.feeds`. */
  readonly feeds: ReadonlyMap<number, TextList>;
}

export interface Change {
  /** What would be given, as a test writes it: `hello.alpn [ "h2" ]`. */
  readonly given: readonly string[];
  readonly policy: string | null;
  readonly action: string;
  readonly challenge: string | null;
  readonly score: number;
}

type Decide = (world: World) => TestAnswer;
/** One change of one operand. */
interface Step {
  readonly operand: string;
  readonly given: string;
  readonly apply: (world: World) => World;
}

const MAX_CHANGES = 5;
/** Pairs of changes are tried only where no single one alters the decision, and no more than this. */
const MAX_PAIRS = 4_000;

/** Changes that alter policy, action or challenge, those that move the score least first. */
export function nearestChanges(program: Program, site: Site, world: World, decide: Decide): Change[] {
  const now = decide(world);
  const steps = stepsOf(program, site, world, decide);
  const single = steps.flatMap((step) => altered(now, [step], decide(step.apply(world))));
  const changes = single.length > 0 ? single : pairs(steps, world, now, decide);
  return nearestFirst(changes, now.score).slice(0, MAX_CHANGES);
}

function pairs(steps: readonly Step[], world: World, now: TestAnswer, decide: Decide): Change[] {
  const found: Change[] = [];
  let tried = 0;
  for (const [index, first] of steps.entries()) {
    for (const second of steps.slice(index + 1)) {
      if (second.operand === first.operand) continue;
      if (tried++ >= MAX_PAIRS) return found;
      found.push(...altered(now, [first, second], decide(second.apply(first.apply(world)))));
    }
  }
  return found;
}

function outcomeOf({ policy, action, challenge }: TestAnswer): string {
  return `${policy?.name} ${showVerdict(action)} ${challenge?.name}`;
}

function altered(now: TestAnswer, steps: readonly Step[], then: TestAnswer): Change[] {
  if (outcomeOf(now) === outcomeOf(then)) return [];
  return [
    {
      given: steps.map(({ given }) => given),
      policy: then.policy?.name ?? null,
      action: showVerdict(then.action),
      challenge: then.challenge?.name ?? null,
      score: then.score,
    },
  ];
}

/** One change for each way to write it and each outcome. */
function nearestFirst(changes: readonly Change[], score: number): Change[] {
  const seen = new Set<string>();
  return changes
    .toSorted((a, b) => Math.abs(a.score - score) - Math.abs(b.score - score))
    .filter(({ given, policy, action }) => {
      const about = given.map((each) => /^(?:unknown |rate )?((?:feed )?\S+)/.exec(each)![1]);
      const key = `${about.join()} ${policy} ${action}`;
      return !seen.has(key) && seen.add(key);
    });
}

/** Every operand that the site's rules and score ask about, with the tests of it. */
function operandsOf(program: Program, site: Site): Map<string, { operand: Operand; atoms: Atom[] }> {
  const byKey = new Map<string, { operand: Operand; atoms: Atom[] }>();
  const entry = (operand: Operand): { operand: Operand; atoms: Atom[] } => {
    const key = JSON.stringify(operand);
    const known = byKey.get(key) ?? { operand, atoms: [] };
    byKey.set(key, known);
    return known;
  };
  const { signals } = program.scores[site.score]!;
  const conditions = [
    ...site.rules.map((index) => program.rules[index]!.when),
    ...signals.map(({ when }) => when ?? []),
  ];
  for (const cube of conditions.flat()) {
    for (const index of [...cube.yes, ...cube.no]) {
      const atom = program.atoms[index]!;
      entry(atom.operand).atoms.push(atom);
    }
  }
  for (const { ramp } of signals) if (ramp) entry(ramp.operand);
  return byKey;
}

function stepsOf(program: Program, site: Site, world: World, decide: Decide): Step[] {
  const ramps = program.scores[site.score]!.signals.flatMap(({ ramp }) => ramp ?? []);
  return [...operandsOf(program, site)].flatMap(([key, { operand, atoms }]): Step[] => {
    const bounds = ramps
      .filter((ramp) => JSON.stringify(ramp.operand) === key)
      .flatMap(({ x0, x1 }) => [x0, x1]);
    if ('counter' in operand) return counterSteps(program, operand.counter, atoms, bounds, world, decide);
    if (!('fact' in operand)) return [];
    const fact = FACTS[operand.fact]!;
    const now = world.facts[fact.name] ?? null;
    const set = (value: FactValue): Step => ({
      operand: key,
      given: showFact(fact, value),
      apply: (before) => ({ ...before, facts: { ...before.facts, [fact.name]: value } }),
    });
    const values = atoms.flatMap((atom) =>
      turnOver(atom, fact, now, program.tables, world, usualOf(fact, site)),
    );
    const turning =
      typeof now === 'number'
        ? turningPoints(now, bounds, (value) => decide(set(value).apply(world))).map((value) =>
            fact.type === 'duration' ? wholeMilliseconds(value, now) : value,
          )
        : [];
    const steps = distinct([...values, ...bounds, ...turning])
      .filter((value) => JSON.stringify(value) !== JSON.stringify(now))
      .map(set);
    return [...steps, ...atoms.flatMap((atom) => listing(program, atom, key, fact, now, world))];
  });
}

/** Rates in whole events per minute, as people think of them. */
function counterSteps(
  program: Program,
  counter: number,
  atoms: readonly Atom[],
  bounds: readonly number[],
  world: World,
  decide: Decide,
): Step[] {
  const { name } = program.counters[counter]!;
  const perMinute = (rate: number): number => Math.ceil((rate * 60) / 1_000_000);
  const now = perMinute(world.rates.get(counter) ?? 0);
  const set = (count: number): Step => {
    const rate = Math.floor((count * 1_000_000) / 60);
    return {
      operand: `rate ${counter}`,
      given: `rate ${name} ${showRate(rate)}`,
      apply: (before) => ({ ...before, rates: new Map(before.rates).set(counter, rate) }),
    };
  };
  const edges = atoms.flatMap((atom) =>
    atom.kind === 'range' ? [atom.min, atom.max].filter(isUsable).map(perMinute) : [],
  );
  const ends = bounds.map(perMinute);
  const turning = turningPoints(now, ends, (count) => decide(set(count).apply(world)));
  return distinct([...edges.flatMap((count) => [count - 1, count, count + 1]), ...ends, ...turning])
    .filter((count) => isUsable(count) && count !== now)
    .map(set);
}

/** For a feed that lists nobody: that it lists this client. */
function listing(
  program: Program,
  atom: Atom,
  operand: string,
  fact: FactDefinition,
  now: FactValue,
  world: World,
): Step[] {
  const feed = atom.kind === 'table' ? program.tables[atom.table]!.feed : undefined;
  if (feed === undefined || now === null || typeof now === 'object') return [];
  if ((world.feeds.get(feed) ?? []).length > 0) return [];
  const members = [fact.type === 'asn' ? `AS${Number(now)}` : String(now)];
  return [
    {
      operand,
      given: `feed ${program.feeds[feed]!.name} { ${showValue(fact, now)} }`,
      apply: (before) => ({ ...before, feeds: new Map(before.feeds).set(feed, members) }),
    },
  ];
}

const isUsable = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const distinct = <T>(values: readonly T[]): T[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
];

/** On the way from `now` to each end of a ramp: the first value found at which the decision is another. */
function turningPoints(
  now: number,
  ends: readonly number[],
  decideAt: (value: number) => TestAnswer,
): number[] {
  const before = outcomeOf(decideAt(now));
  return ends.flatMap((end) => {
    if (outcomeOf(decideAt(end)) === before) return [];
    let [same, other] = [now, end];
    while (Math.abs(other - same) > 1) {
      const middle = Math.trunc((same + other) / 2);
      if (outcomeOf(decideAt(middle)) === before) same = middle;
      else other = middle;
    }
    return [other];
  });
}

/** The next duration beyond `value`, seen from `now`, that can be written. */
function wholeMilliseconds(value: number, now: number): number {
  return (value > now ? Math.ceil(value / 1000) : Math.floor(value / 1000)) * 1000;
}

/** What a current browser would show. */
function usualOf({ name }: FactDefinition, site: Site): FactValue {
  return name === 'hello.sni' ? firstName(site) : (BROWSER[name] ?? null);
}

/** Values of a fact at which a test comes out otherwise. */
function turnOver(
  atom: Atom,
  fact: FactDefinition,
  now: FactValue,
  tables: readonly Table[],
  { feeds }: World,
  usual: FactValue,
): FactValue[] {
  switch (atom.kind) {
    case 'known':
      return now === null ? (usual === null ? [] : [usual]) : [null];
    case 'range':
      if (fact.type === 'bool') return [now !== true];
      return fact.list
        ? [atom.min - 1, atom.min, atom.max, atom.max + 1].flatMap((count) => ofLength(now, usual, count))
        : [atom.min - 1, atom.min, atom.max, atom.max + 1].filter(isUsable);
    case 'any':
    case 'all': {
      if (!fact.list) return [...atom.values, ...(usual === null ? [] : [usual])];
      const held = Array.isArray(now) ? now : [];
      const without = held.filter((value) => !atom.values.includes(Number(value)));
      return [without, [...new Set([...held, ...atom.values])]];
    }
    case 'table': {
      const { members, feed } = tables[atom.table]!;
      const [member] = members ?? (feed === undefined ? [] : (feeds.get(feed) ?? []));
      const inside = member === undefined ? [] : [sampleOf(member, fact)];
      if (!fact.list) return [...inside, ...(usual === null ? [] : [usual])];
      const held = Array.isArray(now) ? now : [];
      return [inside.length === 0 ? held : [...held, ...inside], Array.isArray(usual) ? usual : []];
    }
  }
}

/** A list cut or filled up to `count` members. */
function ofLength(now: FactValue, usual: FactValue, count: number): FactValue[] {
  const held: readonly (string | number)[] = Array.isArray(now) ? now : [];
  if (!isUsable(count) || count > 64) return [];
  if (count <= held.length) return [held.slice(0, count)];
  const more = (Array.isArray(usual) ? usual : []).filter((value) => !held.includes(value));
  const filled = [...held, ...more].slice(0, count);
  return filled.length === count ? [filled] : [];
}

/** Something that a member of a table stands for: an address of a prefix, a host of a wildcard. */
function sampleOf(member: string, { type }: FactDefinition): string | number {
  if (type === 'ip') return member.split('/')[0]!;
  if (type === 'asn') return Number(member.replace(/^AS/i, ''));
  return member.replace(/^\*\./, 'www.');
}
