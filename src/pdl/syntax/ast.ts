/** The syntax tree of a PDL file: what was written, with places, before any name is looked up. */
import type { Span } from '../ir.ts';
import type {
  Annotation,
  Comparison,
  Entry,
  Expression,
  Items,
  KeyPartNode,
  Name,
  Named,
  OperandNode,
  OutcomeNode,
  SetExpression,
  StageNode,
  Value,
  VerdictNode,
} from './ast-expression.ts';
import type { PolicyNode } from './ast-policy.ts';
import type { SyntaxNode } from './tree.ts';

export type * from './ast-expression.ts';
export type * from './ast-policy.ts';

export interface LetNode extends Named {
  readonly kind: 'let';
  readonly value: Value | Items;
}
export interface DefineNode extends Named {
  readonly kind: 'define';
  readonly condition: Expression;
}
export interface SetDeclaration extends Named {
  readonly kind: 'set';
  readonly type: Name;
  readonly value: SetExpression;
}
export interface FeedNode extends Named {
  readonly kind: 'feed';
  readonly type: Name;
  readonly toScore: boolean;
  readonly source: Name;
  readonly path: Value;
  readonly entries: readonly Entry[];
}
export interface SecretNode extends Named {
  readonly kind: 'secret';
  readonly source: 'env' | 'file';
  readonly path: Value;
}
export interface CaNode extends Named {
  readonly kind: 'ca';
  readonly path: Value;
}
/** `enter when CONDITION for DURATION`, and `leave` alike. */
export interface SwitchNode {
  readonly when: Expression;
  readonly hold: Value;
}
export interface StateNode {
  readonly name: Name;
  readonly initial: boolean;
  readonly enter: SwitchNode | null;
  readonly leave: SwitchNode | null;
}
export interface ModeNode extends Named {
  readonly kind: 'mode';
  readonly states: readonly StateNode[];
}
export interface CounterNode extends Named {
  readonly kind: 'counter';
  readonly key: readonly KeyPartNode[];
  readonly window: Value;
  readonly event: Name | null;
  readonly slots: Value | null;
}
export interface LimitNode extends Named {
  readonly kind: 'limit';
  readonly key: readonly KeyPartNode[];
  readonly event: Name | null;
  readonly rate: Value;
  readonly burst: Value | null;
  readonly then: OutcomeNode;
}
export type ChallengeEntry =
  | Entry
  | {
      readonly key: 'clears';
      readonly duration: Value;
      readonly per: readonly KeyPartNode[];
      readonly span: Span;
    };
export interface ChallengeNode extends Named {
  readonly kind: 'challenge';
  readonly entries: readonly ChallengeEntry[];
}

export interface Points {
  readonly from: number;
  readonly to: number;
  readonly isRange: boolean;
  readonly span: Span;
}
export interface SignalNode {
  readonly name: Name;
  readonly annotations: readonly Annotation[];
  readonly stage: StageNode | null;
  readonly points: Points;
  readonly when: Expression | null;
  readonly ramp: { readonly operand: OperandNode; readonly from: Value; readonly to: Value } | null;
  readonly span: Span;
}
export interface GroupNode {
  readonly name: Name;
  readonly cap: Value;
  readonly floor: Value | null;
  readonly signals: readonly SignalNode[];
  readonly span: Span;
}
export type ScoreEntry =
  | { readonly kind: 'clamp'; readonly from: Value; readonly to: Value; readonly span: Span }
  | { readonly kind: 'group'; readonly group: GroupNode; readonly span: Span }
  | { readonly kind: 'signal'; readonly signal: SignalNode; readonly span: Span }
  | { readonly kind: 'retune'; readonly name: Name; readonly points: Points; readonly span: Span }
  | { readonly kind: 'remove'; readonly name: Name; readonly span: Span };
export interface ScoreNode extends Named {
  readonly kind: 'score';
  readonly parent: Name | null;
  readonly entries: readonly ScoreEntry[];
}

export interface RungNode {
  readonly from: Value;
  readonly policy: Name;
  readonly span: Span;
}
export interface LadderNode extends Named {
  readonly kind: 'ladder';
  readonly score: Name;
  readonly rungs: readonly RungNode[];
}
export interface RuleNode {
  readonly tier: 'forbid' | 'exempt' | 'deny' | 'pin';
  readonly name: Name;
  readonly annotations: readonly Annotation[];
  readonly stage: StageNode | null;
  readonly when: Expression;
  readonly outcome: OutcomeNode | null;
  readonly until: Value | null;
  readonly span: Span;
}
export interface RulesetNode extends Named {
  readonly kind: 'ruleset';
  readonly rules: readonly RuleNode[];
}
export type SiteEntry =
  | { readonly kind: 'listen'; readonly names: readonly Name[]; readonly span: Span }
  | { readonly kind: 'sni'; readonly names: Items | 'any' | 'none'; readonly span: Span }
  | { readonly kind: 'score'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'on_error'; readonly name: Name; readonly span: Span }
  | {
      readonly kind: 'ladder';
      readonly stage: StageNode | null;
      readonly ladder: Name | readonly RungNode[];
      readonly span: Span;
    }
  | { readonly kind: 'rules'; readonly list: Items; readonly span: Span }
  | { readonly kind: 'limits'; readonly list: Items; readonly span: Span }
  | {
      readonly kind: 'during';
      readonly mode: Name;
      readonly state: Name;
      readonly entries: readonly SiteEntry[];
      readonly span: Span;
    }
  | { readonly kind: 'rule'; readonly rule: RuleNode; readonly span: Span };
export interface SiteNode extends Named {
  readonly kind: 'site';
  readonly entries: readonly SiteEntry[];
}

export type GivenEntry =
  | { readonly kind: 'fact'; readonly fact: Name; readonly value: Value | Items; readonly span: Span }
  | { readonly kind: 'unknown'; readonly fact: Name; readonly span: Span }
  | { readonly kind: 'feed'; readonly name: Name; readonly members: Items; readonly span: Span }
  | { readonly kind: 'rate'; readonly name: Name; readonly rate: Value; readonly span: Span }
  | { readonly kind: 'mode'; readonly mode: Name; readonly state: Name; readonly span: Span }
  | { readonly kind: 'at'; readonly time: Value; readonly span: Span };
export type ExpectEntry =
  | { readonly kind: 'policy' | 'challenge'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'action'; readonly verdict: VerdictNode; readonly span: Span }
  | { readonly kind: 'score'; readonly from: Value; readonly to: Value; readonly span: Span }
  | {
      readonly kind: 'matched' | 'not_matched' | 'would_match';
      readonly names: Items;
      readonly span: Span;
    }
  | { readonly kind: 'negotiates'; readonly value: Value; readonly span: Span };
/** A test is named by a sentence: `name.text` is that sentence. */
export interface TestDeclaration extends Named {
  readonly kind: 'test';
  readonly site: Name;
  readonly given: readonly GivenEntry[];
  readonly expect: readonly ExpectEntry[];
}
export type GoalNode = { readonly negated: boolean; readonly span: Span } & (
  | { readonly kind: 'action'; readonly verdict: VerdictNode }
  | { readonly kind: 'policy'; readonly names: Items }
  | { readonly kind: 'score'; readonly operator: Comparison; readonly value: Value }
  | { readonly kind: 'challenged' }
);
export interface ProveNode extends Named {
  readonly kind: 'prove';
  readonly site: Name;
  readonly when: Expression;
  readonly goals: readonly GoalNode[];
}

export type Declaration =
  | LetNode
  | DefineNode
  | SetDeclaration
  | FeedNode
  | SecretNode
  | CaNode
  | ModeNode
  | CounterNode
  | LimitNode
  | ChallengeNode
  | PolicyNode
  | ScoreNode
  | LadderNode
  | RulesetNode
  | SiteNode
  | TestDeclaration
  | ProveNode;

export interface ImportNode {
  readonly path: Value;
  readonly alias: Name;
}

export interface FileNode {
  readonly path: string;
  readonly edition: Value | null;
  readonly requires: {
    readonly operator: '>=' | '==';
    readonly version: string;
    readonly span: Span;
  } | null;
  readonly revision: string | null;
  readonly imports: readonly ImportNode[];
  readonly meta: readonly { readonly key: Name; readonly value: string }[];
  readonly declarations: readonly Declaration[];
  /** Names of declarations too broken to keep, so that uses of them are not reported again. */
  readonly brokenNames: ReadonlySet<string>;
  readonly span: Span;
  readonly tree: SyntaxNode;
  /** Words and signs that the parser looked for at the watched offset. */
  readonly tried: ReadonlySet<string>;
}
