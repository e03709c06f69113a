/** Sets: their members, and membership as a formula. */

import type { Operand, Span, Table } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { Name, SetDeclaration, SetTerm } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { readMember } from './condition.ts';
import { and, atom, type Formula, not, or } from './formula.ts';
import { type Found, lookup, type Module } from './modules.ts';
import { compileFeed } from './source.ts';
import { resolveItems, shapeOf, type ValueType } from './values.ts';

type Member = number | string;

export type SetTree =
  | { readonly kind: 'members'; readonly type: ValueType; readonly members: readonly Member[] }
  | { readonly kind: 'feed'; readonly type: ValueType; readonly feed: number }
  | {
      readonly kind: '+' | '-' | '&';
      readonly type: ValueType;
      readonly left: SetTree;
      readonly right: SetTree;
    };

/** The type of set that can be asked about a fact of `type`. */
export function setTypeFor(type: ValueType): ValueType {
  return type === 'ip' ? 'cidr' : type;
}

export function fits(fact: ValueType, set: ValueType): boolean {
  if (fact === 'ip') return set === 'cidr' || set === 'ip';
  return fact === set || (fact === 'alpn' && set === 'string');
}

/** Resolves a set used where values of `type` are asked about. */
export function resolveSet(build: Build, module: Module, term: SetTerm, type: ValueType): SetTree | null {
  if (term.kind !== 'name') return inlineSet(build, module, term, setTypeFor(type));
  const tree = namedSet(build, module, term.name, type);
  if (tree !== null && !fits(type, tree.type)) {
    const message = `\`${term.name.text}\` holds values of type ${tree.type}, and a ${type} is asked about`;
    build.report.error('PDL-Y005', term.span, message, `use a set or feed of ${setTypeFor(type)}`);
    return null;
  }
  return tree;
}

function inlineSet(build: Build, module: Module, items: SetTerm, type: ValueType): SetTree | null {
  if (items.kind === 'name') return null;
  const members = resolveItems(module, items).map((value) => readMember(build, module, value, type));
  if (members.includes(null)) return null;
  return { kind: 'members', type, members: [...new Set(members as Member[])] };
}

function namedSet(build: Build, module: Module, name: Name, wanted: ValueType): SetTree | null {
  const found = lookup(module, ['set', 'feed', 'let'], name, build.report);
  if (found === null) return null;
  const { node } = found;
  build.used.add(node);
  if (node.kind === 'feed') {
    const feed = compileFeed(build, found as Found<typeof node>);
    if (node.toScore) {
      const message = `\`${name.text}\` maps values to scores and is no set`;
      build.report.error('PDL-Y005', name.span, message, `write \`lookup(${name.text}, FACT) > 0\``);
      return null;
    }
    return { kind: 'feed', type: node.type.text as ValueType, feed };
  }
  if (node.kind === 'set') return declaredSet(build, found as Found<SetDeclaration>);
  if ('items' in node.value) return inlineSet(build, found.module, node.value, setTypeFor(wanted));
  build.report.error(
    'PDL-Y005',
    name.span,
    `\`${name.text}\` is one value, not a set`,
    'compare with == or write { … }',
  );
  return null;
}

/** The members of a `set` declaration. */
export function declaredSet(build: Build, found: Found<SetDeclaration>): SetTree | null {
  const { node } = found;
  if (build.closesCircle(node, node.name.span, `the set \`${node.name.text}\` contains itself`)) return null;
  const known = build.setTrees.get(node);
  if (known !== undefined) return known;
  build.open.add(node);
  const tree = makeSet(build, found);
  build.open.delete(node);
  build.setTrees.set(node, tree);
  return tree;
}

function makeSet(build: Build, { node, module }: Found<SetDeclaration>): SetTree | null {
  const type = node.type.text as ValueType;
  let tree = resolveMember(build, module, node.value.first, type);
  for (const { operator, term } of node.value.rest) {
    const right = resolveMember(build, module, term, type);
    tree = tree === null || right === null ? null : combine(operator, tree, right, type);
    if (tree === null || sizeOf(tree) <= MAX_PARTS) continue;
    const message = `the set \`${node.name.text}\` is made of more than ${MAX_PARTS} sets and feeds`;
    build.report.error('PDL-B003', node.name.span, message, 'merge feeds that are always used together');
    return null;
  }
  return tree === null ? null : { ...tree, type };
}

/** Parts of one set that cannot be joined before feeds are read. */
const MAX_PARTS = 64;

function sizeOf(tree: SetTree): number {
  return 'left' in tree ? sizeOf(tree.left) + sizeOf(tree.right) : 1;
}

/** A term of a set declaration: here an inline set has the declared type, not that of a fact. */
function resolveMember(build: Build, module: Module, term: SetTerm, type: ValueType): SetTree | null {
  if (term.kind !== 'name') return inlineSet(build, module, term, type);
  return resolveSet(build, module, term, type === 'cidr' ? 'ip' : type);
}

function combine(kind: '+' | '-' | '&', left: SetTree, right: SetTree, type: ValueType): SetTree {
  const exact = !['cidr', 'ip', 'host'].includes(type);
  if (left.kind === 'members' && right.kind === 'members' && (exact || kind === '+')) {
    const others = new Set(right.members);
    const members =
      kind === '+'
        ? [...new Set([...left.members, ...right.members])]
        : left.members.filter((member) => others.has(member) === (kind === '&'));
    return { kind: 'members', type, members };
  }
  return { kind, type, left, right };
}

/** "The fact, or any member of it when it is a list, is in the set." */
export function membership(build: Build, fact: number, tree: SetTree, span: Span): Formula | null {
  const { list, type } = FACTS[fact]!;
  const operand: Operand = { fact };
  switch (tree.kind) {
    case 'feed':
      if (build.feeds.items[tree.feed]?.source === 'dnsbl') {
        return atom({ kind: 'range', operand: { listed: tree.feed }, min: 1, max: 1 });
      }
      return atom({
        kind: 'table',
        operand,
        table: build.table({ kind: tableKind(tree.type), feed: tree.feed }, span),
      });
    case 'members':
      return holds(build, operand, type, tree.members, span);
    default: {
      if (list && tree.kind !== '+') {
        const message = `\`${tree.kind}\` between sets that come from feeds is not supported for lists`;
        build.report.error('PDL-X021', span, message, 'ask about each set by itself');
        return null;
      }
      const left = membership(build, fact, tree.left, span);
      const right = membership(build, fact, tree.right, span);
      if (left === null || right === null) return null;
      if (tree.kind === '+') return or([left, right]);
      return and([left, tree.kind === '-' ? not(right) : right]);
    }
  }
}

/** The kind of table that holds values of a type. */
export function tableKind(type: ValueType): Table['kind'] {
  if (type === 'cidr' || type === 'ip') return 'cidr';
  if (type === 'host') return 'host';
  return type === 'asn' ? 'number' : 'hash';
}

/** One of `members` is the fact's value, or one of its values. */
export function holds(
  build: Build,
  operand: Operand,
  type: ValueType,
  members: readonly Member[],
  span: Span,
): Formula {
  const numbers = members.filter((member) => typeof member === 'number').sort((a, b) => a - b);
  const fact = 'fact' in operand ? FACTS[operand.fact]! : null;
  // why: the type of a count is not that of the list's values.
  const ofList = fact?.list === true && fact.type === type;
  if (shapeOf(type) === 'code' || (shapeOf(type) === 'number' && ofList)) {
    return atom({ kind: 'any', operand, values: numbers });
  }
  if (shapeOf(type) === 'number') {
    return or(numbers.map((value) => atom({ kind: 'range', operand, min: value, max: value })));
  }
  const texts = members.map(String).sort();
  const table = build.table({ kind: tableKind(type), members: texts }, span);
  return atom({ kind: 'table', operand, table });
}
