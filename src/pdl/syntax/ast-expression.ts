/** The parts that declarations of a PDL file are made of: names, values, sets, outcomes and conditions. */
import type { Span } from '../ir.ts';
import type { LiteralKind } from './lexer.ts';

export interface Name {
  readonly text: string;
  readonly span: Span;
}

/** A literal, or a bare word (`name`) whose meaning its expected type gives. Strings come without quotes. */
export interface Value {
  readonly kind: LiteralKind | 'name';
  readonly text: string;
  readonly span: Span;
}

export interface Items {
  readonly kind: 'set' | 'list';
  readonly items: readonly Value[];
  readonly span: Span;
}

export type SetTerm = Items | { readonly kind: 'name'; readonly name: Name; readonly span: Span };

export interface SetExpression {
  readonly first: SetTerm;
  readonly rest: readonly { readonly operator: '+' | '-' | '&'; readonly term: SetTerm }[];
}

export interface KeyPartNode {
  readonly fact: Name;
  readonly prefixes: { readonly v4: Value; readonly v6: Value } | null;
}

export interface VerdictNode {
  readonly action: 'accept' | 'refuse' | 'drop' | 'reset' | 'tarpit';
  readonly alert: Name | null;
  readonly duration: Value | null;
  readonly span: Span;
}

export type OutcomeNode =
  | VerdictNode
  | { readonly action: 'challenge'; readonly name: Name; readonly span: Span }
  | { readonly action: 'use'; readonly name: Name; readonly span: Span };

export type OperandNode =
  | { readonly kind: 'name'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'count' | 'first' | 'any' | 'all'; readonly fact: Name; readonly span: Span }
  | { readonly kind: 'rate'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'mode'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'lookup'; readonly name: Name; readonly fact: Name; readonly span: Span };

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type TestNode =
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly value: Value }
  | { readonly kind: 'range'; readonly negated: boolean; readonly from: Value; readonly to: Value }
  | { readonly kind: 'in'; readonly negated: boolean; readonly set: SetTerm }
  | { readonly kind: 'has'; readonly value: Value }
  | { readonly kind: 'has_all'; readonly set: SetTerm }
  | { readonly kind: 'matches'; readonly negated: boolean; readonly pattern: string; readonly at: Span }
  | { readonly kind: 'like'; readonly negated: boolean; readonly pattern: string; readonly at: Span };

export type Expression =
  | { readonly kind: 'or' | 'and'; readonly items: readonly Expression[]; readonly span: Span }
  | { readonly kind: 'not'; readonly item: Expression; readonly span: Span }
  | { readonly kind: 'literal'; readonly value: boolean; readonly span: Span }
  | { readonly kind: 'known'; readonly negated: boolean; readonly fact: Name; readonly span: Span }
  | {
      readonly kind: 'test';
      readonly operand: OperandNode;
      readonly test: TestNode | null;
      readonly span: Span;
    };

export interface Annotation {
  readonly name: Name;
  readonly value: string | null;
}

/** `shadow`, or `canary PERCENT [by KEY]`. */
export interface StageNode {
  readonly kind: 'shadow' | 'canary';
  readonly percent: Value | null;
  readonly key: readonly KeyPartNode[];
  readonly span: Span;
}

/** `key value` of a block whose entries need no shape of their own. */
export interface Entry {
  readonly key: string;
  readonly values: readonly Value[];
  readonly span: Span;
}

/** What every declaration has. */
export interface Named {
  readonly name: Name;
  readonly annotations: readonly Annotation[];
  readonly span: Span;
  /** A syntax error stands inside: what seems missing may only be unreadable. */
  readonly damaged: boolean;
}
