/**
 * What follows from what, for conjunctions of tests: sound, not complete. Everything is about tests that hold
 * definitely, so a test that holds or fails also says that its operand is known.
 */
import { inPrefix, parsePrefix } from '../ip.ts';
import type { Atom, Cube, Operand, Table } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';

/** Tests that hold, and tests that definitely fail. */
export interface Case {
  readonly yes: readonly Atom[];
  readonly no: readonly Atom[];
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const EVERYTHING: Bounds = { min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
const [AGE, REMAINING, LIFETIME] = ['cert.age', 'cert.remaining', 'cert.lifetime'].map((name) =>
  FACTS.findIndex((fact) => fact.name === name),
) as [number, number, number];

export function caseOf(cube: Cube, atoms: readonly Atom[]): Case {
  return { yes: cube.yes.map((index) => atoms[index]!), no: cube.no.map((index) => atoms[index]!) };
}

export function both(a: Case, b: Case): Case {
  return { yes: [...a.yes, ...b.yes], no: [...a.no, ...b.no] };
}

function same(a: Operand, b: Operand): boolean {
  if ('fact' in a) return 'fact' in b && a.fact === b.fact;
  if ('counter' in a) return 'counter' in b && a.counter === b.counter;
  if ('canary' in a) return 'canary' in b && a.canary === b.canary;
  if ('listed' in a) return 'listed' in b && a.listed === b.listed;
  return 'lookup' in b && a.lookup === b.lookup && a.of === b.of;
}

function isList(operand: Operand): boolean {
  return 'fact' in operand && FACTS[operand.fact]!.list;
}

/** The least and greatest value that an operand can have. */
function boundsOf(given: Case, operand: Operand): Bounds {
  let { min, max } = EVERYTHING;
  for (const atom of given.yes) {
    if (atom.kind !== 'range' || !same(atom.operand, operand)) continue;
    min = Math.max(min, atom.min);
    max = Math.min(max, atom.max);
  }
  if (!('fact' in operand) || operand.fact !== LIFETIME) return { min, max };
  // cert.age + cert.remaining = cert.lifetime
  const age = boundsOf(given, { fact: AGE });
  const remaining = boundsOf(given, { fact: REMAINING });
  return { min: Math.max(min, age.min + remaining.min), max: Math.min(max, age.max + remaining.max) };
}

/** True when no client can be in this case. */
export function isImpossible(given: Case, tables: readonly Table[]): boolean {
  for (const atom of given.yes) {
    const { min, max } = boundsOf(given, atom.operand);
    if (min > max) return true;
    if (given.yes.some((other) => other !== atom && exclude(atom, other, tables))) return true;
  }
  const lifetime = boundsOf(given, { fact: LIFETIME });
  if (lifetime.min > lifetime.max) return true;
  return given.no.some((atom) => holds(given, atom, tables));
}

/** One value cannot be in two sets that share no member. */
function exclude(a: Atom, b: Atom, tables: readonly Table[]): boolean {
  if (!same(a.operand, b.operand) || isList(a.operand)) return false;
  if (a.kind === 'any' && b.kind === 'any') return !a.values.some((value) => b.values.includes(value));
  if (a.kind !== 'table' || b.kind !== 'table') return false;
  const [left, right] = [tables[a.table]!, tables[b.table]!];
  if (!left.members || !right.members || left.kind !== right.kind) return false;
  if (left.kind === 'hash' || left.kind === 'number')
    return !left.members.some((each) => right.members!.includes(each));
  return left.kind === 'cidr' && !covers(left, right, 'some') && !covers(right, left, 'some');
}

/** What has been found out about pairs of tables. */
const KNOWN: Record<'every' | 'some', WeakMap<Table, WeakMap<Table, boolean>>> = {
  every: new WeakMap(),
  some: new WeakMap(),
};

/** Every / some member of `inner` lies inside `outer`. */
function covers(outer: Table, inner: Table, how: 'every' | 'some' = 'every'): boolean {
  if (outer === inner) return true;
  if (!outer.members || !inner.members || outer.kind !== inner.kind) return false;
  const row = KNOWN[how].get(outer) ?? new WeakMap<Table, boolean>();
  KNOWN[how].set(outer, row);
  const known = row.get(inner);
  if (known !== undefined) return known;
  const isInside = membershipOf(outer.kind, outer.members);
  const answer = how === 'every' ? inner.members.every(isInside) : inner.members.some(isInside);
  row.set(inner, answer);
  return answer;
}

/** Sets beyond this many pairs of members are not compared one by one. */
const MAX_COMPARED = 10_000;

function membershipOf(kind: Table['kind'], members: readonly string[]): (member: string) => boolean {
  const exact = new Set(members);
  let left = MAX_COMPARED;
  if (kind === 'cidr') {
    const prefixes = members.flatMap((member) => parsePrefix(member) ?? []);
    return (member) => {
      const small = parsePrefix(member);
      if (small === null) return false;
      return (
        exact.has(member) ||
        prefixes.some((large) => left-- > 0 && large.bits <= small.bits && inPrefix(small.bytes, large))
      );
    };
  }
  if (kind === 'host') {
    const suffixes = members.filter((member) => member.startsWith('*.')).map((member) => member.slice(1));
    return (member) => exact.has(member) || suffixes.some((suffix) => left-- > 0 && member.endsWith(suffix));
  }
  return (member) => exact.has(member);
}

/** True when the test definitely holds in every client of the case. */
export function holds(given: Case, atom: Atom, tables: readonly Table[]): boolean {
  const about = given.yes.filter((other) => same(other.operand, atom.operand));
  switch (atom.kind) {
    case 'known':
      return (
        about.length > 0 ||
        given.no.some((other) => other.kind !== 'known' && same(other.operand, atom.operand))
      );
    case 'range': {
      if (!isKnown(given, atom.operand)) return false;
      const { min, max } = boundsOf(given, atom.operand);
      return atom.min <= min && max <= atom.max;
    }
    case 'any':
      return about.some(
        (other) =>
          (other.kind === 'any' && other.values.every((value) => atom.values.includes(value))) ||
          (other.kind === 'all' && other.values.some((value) => atom.values.includes(value))),
      );
    case 'all': {
      const present = about.flatMap((other) =>
        other.kind === 'all' || (other.kind === 'any' && other.values.length === 1) ? other.values : [],
      );
      return atom.values.every((value) => present.includes(value));
    }
    case 'table':
      return about.some(
        (other) =>
          other.kind === 'table' &&
          (other.table === atom.table || covers(tables[atom.table]!, tables[other.table]!)),
      );
  }
}

/** A range of a certificate's lifetime is known with its age and what remains of it. */
function isKnown(given: Case, operand: Operand): boolean {
  const has = (wanted: Operand): boolean => given.yes.some((other) => same(other.operand, wanted));
  if (has(operand)) return true;
  return 'fact' in operand && operand.fact === LIFETIME && has({ fact: AGE }) && has({ fact: REMAINING });
}

/** True when the test definitely fails in every client of the case. */
function fails(given: Case, atom: Atom, tables: readonly Table[]): boolean {
  const about = given.no.filter((other) => same(other.operand, atom.operand));
  if (atom.kind === 'known') return about.some((other) => other.kind === 'known');
  if (atom.kind === 'range' && isKnown(given, atom.operand)) {
    const { min, max } = boundsOf(given, atom.operand);
    if (max < atom.min || min > atom.max) return true;
  }
  if (given.yes.some((other) => exclude(other, atom, tables))) return true;
  return about.some((other) => {
    if (other.kind === 'range')
      return atom.kind === 'range' && other.min <= atom.min && atom.max <= other.max;
    if (other.kind === 'any')
      return atom.kind === 'any' && atom.values.every((value) => other.values.includes(value));
    if (other.kind !== 'table' || atom.kind !== 'table')
      return JSON.stringify(other) === JSON.stringify(atom);
    return other.table === atom.table || covers(tables[other.table]!, tables[atom.table]!);
  });
}

/** Every client of `given` is a client of `wanted`. */
export function implies(given: Case, wanted: Case, tables: readonly Table[]): boolean {
  return (
    wanted.yes.every((atom) => holds(given, atom, tables)) &&
    wanted.no.every((atom) => fails(given, atom, tables))
  );
}
