/** Everything a file gives a name to, and what a name written somewhere means. */
import type { Module } from '../compile/modules.ts';
import type { Span } from '../ir.ts';
import type { Declaration, Name, RuleNode, ScoreNode, SignalNode, SiteEntry } from '../syntax/ast.ts';
import type { Reference, SymbolKind } from './references.ts';

export interface Definition {
  readonly kind: SymbolKind;
  readonly name: Name;
  /** All of it. */
  readonly span: Span;
  /** The declaration it is, or stands in. */
  readonly owner: Declaration;
  /** The signal that is defined, with the cap of its group. */
  readonly signal?: { readonly node: SignalNode; readonly group: { name: string; cap: string } | null };
}

const KNOWN = new WeakMap<Module, readonly Definition[]>();
const BY_NAME = new WeakMap<Module, ReadonlyMap<string, Definition>>();

export function definitionsOf(module: Module): readonly Definition[] {
  const known = KNOWN.get(module);
  if (known) return known;
  const found = module.file.declarations.flatMap((owner) => [...membersOf(owner)]);
  KNOWN.set(module, found);
  return found;
}

/** The first definition of each kind and name. */
function byName(module: Module): ReadonlyMap<string, Definition> {
  const known = BY_NAME.get(module);
  if (known) return known;
  const entries = definitionsOf(module).map((found) => [`${found.kind}/${found.name.text}`, found] as const);
  const map = new Map(entries.toReversed());
  BY_NAME.set(module, map);
  return map;
}

function* membersOf(owner: Declaration): Generator<Definition> {
  if (owner.kind !== 'test' && owner.kind !== 'prove') {
    yield { kind: owner.kind, name: owner.name, span: owner.span, owner };
  }
  if (owner.kind === 'score') yield* signalsOf(owner);
  else if (owner.kind === 'ruleset') yield* owner.rules.map((rule) => definitionOfRule(rule, owner));
  else if (owner.kind === 'site') yield* rulesIn(owner.entries, owner);
  else if (owner.kind === 'mode') {
    yield* owner.states.map(({ name }) => ({ kind: 'state' as const, name, span: name.span, owner }));
  }
}

function* signalsOf(owner: ScoreNode): Generator<Definition> {
  for (const entry of owner.entries) {
    if (entry.kind === 'signal') {
      const { signal: node } = entry;
      yield { kind: 'signal', name: node.name, span: node.span, owner, signal: { node, group: null } };
    } else if (entry.kind === 'group') {
      const { name, cap, span, signals } = entry.group;
      yield { kind: 'group', name, span, owner };
      const group = { name: name.text, cap: cap.text };
      for (const node of signals) {
        yield { kind: 'signal', name: node.name, span: node.span, owner, signal: { node, group } };
      }
    }
  }
}

function* rulesIn(entries: readonly SiteEntry[], owner: Declaration): Generator<Definition> {
  for (const entry of entries) {
    if (entry.kind === 'rule') yield definitionOfRule(entry.rule, owner);
    else if (entry.kind === 'during') yield* rulesIn(entry.entries, owner);
  }
}

function definitionOfRule({ name, span }: RuleNode, owner: Declaration): Definition {
  return { kind: 'rule', name, span, owner };
}

/** The part of a name after the last dot. */
export function ownName(text: string): string {
  return text.slice(text.lastIndexOf('.') + 1);
}

/** What `reference` means in `module`, or null. */
export function resolve(module: Module, { name, kinds }: Reference): Definition | null {
  const dot = name.text.lastIndexOf('.');
  const home = dot === -1 ? module : module.imports.get(name.text.slice(0, dot));
  if (!home) return null;
  const own = ownName(name.text);
  const names = byName(home);
  const here = kinds.map((kind) => names.get(`${kind}/${own}`)).find((found) => found !== undefined);
  if (here) return here;
  // why: signals, rules and states are named without the alias of the file that has them.
  if (!kinds.some((kind) => ['signal', 'rule', 'state'].includes(kind))) return null;
  for (const imported of module.imports.values()) {
    const found = imported && resolve(imported, { name, kinds, expected: null });
    if (found) return found;
  }
  return null;
}
