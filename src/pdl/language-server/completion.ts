/**
 * What can be written at a place: a mark is put there, the text is parsed, and the parser tells what it met the
 * mark as (a name of certain kinds, a value of a certain type) and which words it looked for there.
 */

import type { Module } from '../compile/modules.ts';
import { exampleOf, type ValueType } from '../compile/values.ts';
import { Report } from '../diagnostics/diagnostic.ts';
import { looksLikeFact } from '../registry/fact-names.ts';
import { FACTS, type FactDefinition } from '../registry/facts.gen.ts';
import {
  ALERTS,
  CIPHER_NAMES,
  CIPHERS,
  EXTENSION_CODES,
  GROUP_CODES,
  GROUPS,
  SIGALG_CODES,
} from '../registry/iana.ts';
import type { FileNode } from '../syntax/ast.ts';
import { parse } from '../syntax/parse.ts';
import { isNode, type SyntaxNode } from '../syntax/tree.ts';
import { definitionsOf } from './definitions.ts';
import { type Expected, type Reference, referencesOf, type SymbolKind } from './references.ts';
import { type Analysis, offsetOf, type Position, type Workspace } from './workspace.ts';

export interface Completion {
  readonly label: string;
  readonly kind: 'keyword' | 'name' | 'fact' | 'value' | 'operator';
  readonly detail: string;
}

/** No policy names anything so. */
const MARK = 'zzcompletionzz';
/** What may go before a mark that begins within a word: the letters of names, facts and aliases. */
const WORD_BEFORE = /[A-Za-z0-9_.]*$/;
const WORD_AFTER = /^[A-Za-z0-9_.]*/;
const FACT_KINDS: readonly SymbolKind[] = ['define'];

export interface Completions {
  /** Offsets of the text that a completion replaces. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly Completion[];
}

export function complete(workspace: Workspace, analysis: Analysis, position: Position): Completions {
  const { text, path } = analysis;
  const offset = offsetOf(text, position);
  const before = WORD_BEFORE.exec(text.slice(Math.max(0, offset - 256), offset))![0];
  const from = offset - before.length;
  const to = offset + WORD_AFTER.exec(text.slice(offset, offset + 256))![0].length;
  const alias = before.slice(0, before.lastIndexOf('.') + 1);
  const mark = looksLikeFact(alias) ? MARK : alias + MARK;
  const marked = text.slice(0, from) + mark + text.slice(to);
  const [module] = workspace.modulesOf(path, marked);
  const file = parse(path, marked, new Report(), from);
  const items = new Map<string, Completion>();
  const add = (found: Iterable<Completion>): void => {
    for (const item of found) if (!items.has(item.label)) items.set(item.label, item);
  };
  const reference = referencesOf(file).find(({ name }) => name.text.endsWith(MARK));
  if (reference) add(forReference(module, reference));
  const place = placeOfMark(file.tree);
  if (place) add(forPlace(place.kinds, place.before));
  // why: these two words are looked for together only where a test's facts are given.
  if (file.tried.has('at') && file.tried.has('unknown')) add(facts());
  const fact = FACTS.find(({ name }) => name === place?.before) ?? null;
  if (mark === MARK) add(forKeywords(file, fact));
  return { from, to, items: [...items.values()] };
}

/** The kinds of nodes around the mark, from the outside in, and the token before it. */
function placeOfMark(root: SyntaxNode): { kinds: readonly string[]; before: string } | null {
  const kinds: string[] = [];
  let before = '';
  const visit = (node: SyntaxNode): boolean => {
    kinds.push(node.kind);
    for (const child of node.children) {
      if (isNode(child)) {
        if (visit(child)) return true;
      } else {
        if (child.text.endsWith(MARK)) return true;
        before = child.text;
      }
    }
    kinds.pop();
    return false;
  };
  return visit(root) ? { kinds, before } : null;
}

/** Words that the parser looked for where the mark is; signs only as far as they compare. */
function* forKeywords({ tried }: FileNode, before: FactDefinition | null): Generator<Completion> {
  const useless = before === null ? [] : before.list ? SCALAR_OPERATORS : LIST_OPERATORS;
  for (const label of tried) {
    const isWord = /^[a-z]/.test(label);
    if (useless.includes(label) || !(isWord || SCALAR_OPERATORS.includes(label))) continue;
    yield { label, kind: isWord ? 'keyword' : 'operator', detail: '' };
  }
}

const SCALAR_OPERATORS: readonly string[] = ['==', '!=', '<', '<=', '>', '>='];
const LIST_OPERATORS: readonly string[] = ['has'];

/** What neither a reference nor the parser's words tell: facts in keys, alerts, versions. */
function* forPlace(kinds: readonly string[], before: string): Generator<Completion> {
  if (before === 'alert') {
    for (const name of Object.keys(ALERTS))
      yield { label: name, kind: 'value', detail: `alert ${ALERTS[name]}` };
  }
  if (before === 'versions' || (before === '..' && kinds.includes('error'))) {
    for (const label of VERSIONS) yield { label, kind: 'value', detail: '' };
  }
  const inCall = before === '(' && kinds.includes('error');
  if (inCall || ['known', 'unknown', 'per', 'by'].includes(before)) yield* facts();
}

function* facts(): Generator<Completion> {
  for (const fact of FACTS) yield { label: fact.name, kind: 'fact', detail: describeFact(fact) };
}

/** Such as `list of cipher, known at hello`. */
export function describeFact({ type, list, phase, optional }: FactDefinition): string {
  return `${list ? 'list of ' : ''}${type}, ${optional ? 'may be known' : 'known'} at ${phase}`;
}

function* forReference(module: Module, { name, kinds, expected }: Reference): Generator<Completion> {
  const alias = name.text.slice(0, name.text.lastIndexOf('.') + 1);
  if (expected) yield* valuesOf(expected);
  if (alias === '' && kinds.some((kind) => FACT_KINDS.includes(kind))) {
    yield* facts();
    for (const label of ['count(', 'any(', 'rate(', 'mode(', 'lookup(']) {
      yield { label, kind: 'operator', detail: '' };
    }
  }
  if (kinds.includes('challenge') && alias === '')
    yield { label: 'none', kind: 'keyword', detail: 'no challenge' };
  const home = alias === '' ? module : module.imports.get(alias.slice(0, -1));
  if (home) yield* named(home, alias, kinds);
  if (alias !== '') return;
  for (const [prefix, imported] of module.imports) {
    if (imported) yield* named(imported, `${prefix}.`, kinds);
  }
}

function* named(module: Module, alias: string, kinds: readonly SymbolKind[]): Generator<Completion> {
  for (const { kind, name, owner } of definitionsOf(module)) {
    if (!kinds.includes(kind) || name.text.endsWith(MARK)) continue;
    const within = owner.name === name ? '' : ` of ${owner.kind} ${owner.name.text}`;
    // why: signals, rules and states are named without the alias of the file that has them.
    const prefix = within === '' ? alias : '';
    yield { label: prefix + name.text, kind: 'name', detail: kind + within };
  }
}

/** Names that values of a type go by. */
function* valuesOf(expected: Expected): Generator<Completion> {
  if ('setting' in expected) {
    yield* settings(expected.setting);
    return;
  }
  const fact = 'fact' in expected ? FACTS.find(({ name }) => name === expected.fact) : null;
  if (fact === undefined || ('isMember' in expected && !expected.isMember)) return;
  const type = fact ? fact.type : 'type' in expected ? (expected.type as ValueType) : null;
  if (type === null) return;
  for (const label of NAMES[type] ?? []) yield { label, kind: 'value', detail: exampleOf(type) };
}

const CIPHER_LABELS = [...CIPHERS.keys()].map((code) => CIPHER_NAMES.get(code)!);
const GROUP_LABELS = [...GROUP_CODES].filter(([, code]) => GROUPS.has(code)).map(([name]) => name);
const VERSIONS = ['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3'];

const NAMES: Readonly<Partial<Record<ValueType, readonly string[]>>> = {
  bool: ['true', 'false'],
  tls_version: VERSIONS,
  cipher: CIPHER_LABELS,
  group: GROUP_LABELS,
  sigalg: [...SIGALG_CODES.keys()],
  extension: [...EXTENSION_CODES.keys()],
  psk_mode: ['psk_ke', 'psk_dhe_ke'],
};

const SETTINGS: Readonly<Record<string, ValueType>> = {
  ciphers: 'cipher',
  groups: 'group',
  sigalgs: 'sigalg',
};

function* settings(key: string): Generator<Completion> {
  const type = SETTINGS[key];
  for (const label of (type && NAMES[type]) ?? []) yield { label, kind: 'value', detail: `for ${key}` };
}
