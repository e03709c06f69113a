/** Where a file writes the name of something declared elsewhere, and what kinds of things it can mean there. */
import type {
  ChallengeEntry,
  Declaration,
  Expression,
  FileNode,
  GivenEntry,
  Items,
  Name,
  OperandNode,
  OutcomeNode,
  RuleNode,
  Section,
  SetTerm,
  SignalNode,
  SiteEntry,
  TestDeclaration,
  Value,
} from '../syntax/ast.ts';

/** Kinds of things with names; besides declarations the parts of scores, sites, rulesets and modes. */
export type SymbolKind = Declaration['kind'] | 'signal' | 'group' | 'rule' | 'state';

/** What a value stands for: a value of this fact, a member of a set or feed of this type, or an entry's setting. */
export type Expected =
  | { readonly fact: string; readonly isMember: boolean }
  | { readonly type: string }
  | { readonly setting: string };

export interface Reference {
  readonly name: Name;
  readonly kinds: readonly SymbolKind[];
  /** For values: what is expected; a value that means no declaration is a literal or a registered name. */
  readonly expected: Expected | null;
}

export function referencesOf(file: FileNode): readonly Reference[] {
  const collector = new Collector();
  for (const declaration of file.declarations) collector.declaration(declaration);
  return collector.found;
}

class Collector {
  readonly found: Reference[] = [];

  #name(name: Name | null, ...kinds: SymbolKind[]): void {
    if (name !== null) this.found.push({ name, kinds, expected: null });
  }

  #names({ items }: Items, ...kinds: SymbolKind[]): void {
    for (const value of items) this.#name(value, ...kinds);
  }

  #value(value: Value, expected: Expected | null): void {
    if (value.kind === 'name') this.found.push({ name: value, kinds: ['let', 'ca'], expected });
  }

  #values(values: readonly Value[], expected: Expected | null): void {
    for (const value of values) this.#value(value, expected);
  }

  declaration(node: Declaration): void {
    switch (node.kind) {
      case 'let':
        this.#values('items' in node.value ? node.value.items : [node.value], null);
        break;
      case 'define':
        this.#expression(node.condition);
        break;
      case 'set':
        for (const term of [node.value.first, ...node.value.rest.map((part) => part.term)]) {
          this.#setTerm(term, { type: node.type.text });
        }
        break;
      case 'feed':
        for (const { key, values } of node.entries)
          if (key === 'auth') this.#name(values[0] ?? null, 'secret');
        break;
      case 'mode':
        for (const { enter, leave } of node.states) {
          if (enter) this.#expression(enter.when);
          if (leave) this.#expression(leave.when);
        }
        break;
      case 'limit':
        this.#outcome(node.then);
        break;
      case 'challenge':
        for (const entry of node.entries) this.#challengeEntry(entry);
        break;
      case 'policy':
        this.#name(node.parent, 'policy');
        for (const section of node.sections) this.#section(section);
        break;
      case 'score':
        this.#name(node.parent, 'score');
        for (const entry of node.entries) {
          if (entry.kind === 'signal') this.#signal(entry.signal);
          else if (entry.kind === 'group') for (const signal of entry.group.signals) this.#signal(signal);
          else if (entry.kind !== 'clamp') this.#name(entry.name, 'signal');
        }
        break;
      case 'ladder':
        this.#name(node.score, 'score');
        for (const { policy } of node.rungs) this.#name(policy, 'policy');
        break;
      case 'ruleset':
        for (const rule of node.rules) this.#rule(rule);
        break;
      case 'site':
        for (const entry of node.entries) this.#siteEntry(entry);
        break;
      case 'test':
        this.#test(node);
        break;
      case 'prove':
        this.#name(node.site, 'site');
        this.#expression(node.when);
        for (const goal of node.goals) if (goal.kind === 'policy') this.#names(goal.names, 'policy');
        break;
      default:
    }
  }

  #challengeEntry(entry: ChallengeEntry): void {
    if (!('values' in entry)) return;
    const [value = null] = entry.values;
    if (entry.key === 'secret') this.#name(value, 'secret');
    else if (entry.key === 'fallback') this.#name(value, 'challenge');
    else this.#values(entry.values, { setting: entry.key });
  }

  #section(section: Section): void {
    switch (section.kind) {
      case 'tls':
      case 'handshake':
        for (const { key, values } of section.entries) this.#values(values, { setting: key });
        break;
      case 'extensions':
        for (const entry of section.entries) {
          this.#values('values' in entry ? entry.values : [entry.extension], { type: 'extension' });
        }
        break;
      case 'client_cert':
        for (const entry of section.entries) {
          if (entry.kind === 'trust') this.#names(entry.list, 'ca');
          else if (entry.kind === 'ensure') this.#expression(entry.ensure.condition);
          else if (entry.kind === 'revocation' && entry.from.kind === 'name') this.#name(entry.from, 'feed');
        }
        break;
      case 'challenge':
        this.#name(section.name, 'challenge');
        break;
      case 'limits':
        this.#names(section.list, 'limit');
        break;
      case 'ensure':
        this.#expression(section.ensure.condition);
        break;
      default:
    }
  }

  #signal({ when, ramp }: SignalNode): void {
    if (when) this.#expression(when);
    if (ramp) this.#operand(ramp.operand);
  }

  #rule({ when, outcome }: RuleNode): void {
    this.#expression(when);
    if (outcome) this.#outcome(outcome);
  }

  #outcome(outcome: OutcomeNode): void {
    if (outcome.action === 'use') this.#name(outcome.name, 'policy');
    else if (outcome.action === 'challenge') this.#name(outcome.name, 'challenge');
  }

  #siteEntry(entry: SiteEntry): void {
    switch (entry.kind) {
      case 'score':
        this.#name(entry.name, 'score');
        break;
      case 'on_error':
        this.#name(entry.name, 'policy');
        break;
      case 'ladder':
        if ('text' in entry.ladder) this.#name(entry.ladder, 'ladder');
        else for (const { policy } of entry.ladder) this.#name(policy, 'policy');
        break;
      case 'rules':
        this.#names(entry.list, 'ruleset');
        break;
      case 'limits':
        this.#names(entry.list, 'limit');
        break;
      case 'during':
        this.#name(entry.mode, 'mode');
        this.#name(entry.state, 'state');
        for (const inner of entry.entries) this.#siteEntry(inner);
        break;
      case 'rule':
        this.#rule(entry.rule);
        break;
      default:
    }
  }

  #test({ site, given, expect }: TestDeclaration): void {
    this.#name(site, 'site');
    for (const entry of given) this.#given(entry);
    for (const entry of expect) {
      if (entry.kind === 'policy' || entry.kind === 'challenge') this.#name(entry.name, entry.kind);
      else if ('names' in entry) this.#names(entry.names, 'signal', 'rule');
      else if (entry.kind === 'negotiates') this.#value(entry.value, { type: 'cipher' });
    }
  }

  #given(entry: GivenEntry): void {
    if (entry.kind === 'feed') this.#name(entry.name, 'feed');
    else if (entry.kind === 'rate') this.#name(entry.name, 'counter');
    else if (entry.kind === 'mode') {
      this.#name(entry.mode, 'mode');
      this.#name(entry.state, 'state');
    } else if (entry.kind === 'fact') {
      const values = 'items' in entry.value ? entry.value.items : [entry.value];
      this.#values(values, { fact: entry.fact.text, isMember: true });
    }
  }

  #expression(expression: Expression): void {
    if ('items' in expression) for (const item of expression.items) this.#expression(item);
    else if (expression.kind === 'not') this.#expression(expression.item);
    else if (expression.kind === 'test') this.#comparison(expression);
  }

  #comparison({ operand, test }: Extract<Expression, { kind: 'test' }>): void {
    this.#operand(operand);
    if (test === null) return;
    if (operand.kind === 'mode' && 'value' in test) {
      this.#name(test.value.kind === 'name' ? test.value : null, 'state');
      return;
    }
    const fact = 'fact' in operand ? operand.fact.text : operand.name.text;
    const expected = { fact, isMember: operand.kind !== 'count' };
    if ('value' in test) this.#value(test.value, expected);
    else if ('from' in test) this.#values([test.from, test.to], expected);
    else if ('set' in test) this.#setTerm(test.set, expected);
  }

  #operand(operand: OperandNode): void {
    if (operand.kind === 'name') this.#name(operand.name, 'define');
    else if (operand.kind === 'rate') this.#name(operand.name, 'counter');
    else if (operand.kind === 'mode') this.#name(operand.name, 'mode');
    else if (operand.kind === 'lookup') this.#name(operand.name, 'feed');
  }

  #setTerm(term: SetTerm, expected: Expected): void {
    if (term.kind === 'name') this.#name(term.name, 'set', 'feed', 'let');
    else this.#values(term.items, expected);
  }
}
