/** The program while it grows: everything gets its index here, once, and the engine's limits are kept. */

import { caseOf, isImpossible } from '../check/implies.ts';
import type { Diagnostic, Report } from '../diagnostics/diagnostic.ts';
import type {
  Atom,
  Canary,
  CertificateAuthority,
  Challenge,
  Condition,
  Counter,
  Feed,
  Limit,
  Mode,
  Operand,
  Policy,
  Rule,
  Rung,
  Score,
  Secret,
  Signal,
  Site,
  Span,
  Table,
} from '../ir.ts';
import type { Target } from '../registry/target.ts';
import type {
  ChallengeNode,
  CounterNode,
  Declaration,
  FeedNode,
  GroupNode,
  LimitNode,
  PolicyNode,
  RuleNode,
  RungNode,
  ScoreNode,
  SignalNode,
  SiteNode,
} from '../syntax/ast.ts';
import { type Formula, MAX_CUBES, toCubes } from './formula.ts';
import type { SetTree } from './sets.ts';
import type { TerminationEntry } from './termination.ts';

/** The engine evaluates at most this many atoms per program. */
export const MAX_ATOMS = 128;
/** Declarations that need each other in a row. */
const MAX_DEPTH = 64;
/** Rules in one program. */
export const MAX_RULES = 1024;
const MAX_TABLES = 256;

/** Things made once per declaration, in order of first use. */
export class Registry<T> {
  readonly items: T[] = [];
  readonly #indexes = new Map<Declaration, number>();
  #size = 0;

  /** The index of `node`; `make` runs on first use, when the index is already taken. */
  index(node: Declaration, make: (index: number) => T): number {
    const known = this.#indexes.get(node);
    if (known !== undefined) return known;
    const index = this.#size++;
    this.#indexes.set(node, index);
    this.items[index] = make(index);
    return index;
  }

  /** Adds what no declaration stands for by itself. */
  append(item: T): number {
    const index = this.#size++;
    this.items[index] = item;
    return index;
  }

  has(node: Declaration): boolean {
    return this.#indexes.has(node);
  }
}

/** Things that may come out differently in each state of a mode; equal ones are kept once. */
export class Instances<T> {
  readonly items: T[] = [];
  readonly #byContext = new Map<string, number>();
  readonly #byContent = new Map<string, number>();
  readonly #ids = new Map<object, number>();

  /** The index of what `make` makes of `node` in `context`. */
  index(node: object, context: string, make: () => T): number {
    const id = this.#ids.get(node) ?? this.#ids.size;
    this.#ids.set(node, id);
    const key = `${id}/${context}`;
    const known = this.#byContext.get(key);
    if (known !== undefined) return known;
    const item = make();
    const content = `${id}/${JSON.stringify(item)}`;
    const index = this.#byContent.get(content) ?? this.items.push(item) - 1;
    this.#byContent.set(content, index);
    this.#byContext.set(key, index);
    return index;
  }
}

/** Where in the text the parts of the program come from. */
export class Origins {
  readonly rules: Map<Rule, RuleNode> = new Map();
  readonly signals: Map<Signal, SignalNode> = new Map();
  readonly groups: Map<Score['groups'][number], GroupNode> = new Map();
  readonly scores: Map<Score, { readonly node: ScoreNode; readonly removed: readonly RemovedSignal[] }> =
    new Map();
  readonly rungs: Map<Rung, RungNode> = new Map();
  readonly policies: Map<Policy, PolicyNode> = new Map();
  readonly limits: Map<Limit, LimitNode> = new Map();
  readonly counters: Map<Counter, CounterNode> = new Map();
  readonly feeds: Map<Feed, FeedNode> = new Map();
  readonly challenges: Map<Challenge, ChallengeNode> = new Map();
  /** By index in `Program.sites`. */
  readonly sites: Map<number, SiteNode> = new Map();
  /** What the conditions of `ensure` demand, by policy. */
  readonly demands: Map<Policy, readonly { readonly condition: Condition; readonly span: Span }[]> =
    new Map();
  readonly termination: Map<Policy, readonly TerminationEntry[]> = new Map();
}

interface NamedFormula {
  readonly formula: Formula | null;
  readonly asks: readonly Declaration[];
}

/** A signal of a parent score that a child took out. */
export interface RemovedSignal {
  readonly name: string;
  readonly group: string | null;
  readonly span: Span;
}

export class Build {
  readonly report: Report;
  readonly target: Target;
  readonly feeds: Registry<Feed> = new Registry();
  readonly counters: Registry<Counter> = new Registry();
  readonly limits: Registry<Limit> = new Registry();
  readonly scores: Instances<Score> = new Instances();
  readonly policies: Registry<Policy> = new Registry();
  readonly challenges: Registry<Challenge> = new Registry();
  readonly secrets: Registry<Secret> = new Registry();
  readonly cas: Registry<CertificateAuthority> = new Registry();
  readonly modes: Registry<Mode> = new Registry();
  readonly canaries: Canary[] = [];
  readonly sites: Registry<Site> = new Registry();
  readonly rules: Instances<Rule> = new Instances();
  readonly atoms: Atom[] = [];
  readonly tables: Table[] = [];
  readonly requiredFacts: Set<number> = new Set();
  readonly origins: Origins = new Origins();
  /** What the conditions of `ensure` demand in the policy being compiled. */
  demanded: { readonly condition: Condition; readonly span: Span }[] = [];
  /** What the program asks of an engine beyond deciding by facts, one for each code and place. */
  readonly needs: Map<string, Diagnostic> = new Map();
  /** While a form of a site is compiled: the state of each mode. Null elsewhere. */
  states: ReadonlyMap<Declaration, number> | null = null;
  /** Modes that a condition asked about since this was last cleared. */
  readonly modesAsked: Set<Declaration> = new Set();
  /** What sets are made of, by declaration. */
  readonly setTrees: Map<Declaration, SetTree | null> = new Map();
  /** Alternatives of the last condition that can never hold. */
  dropped = 0;
  /** Declarations that something refers to, for findings about the others. */
  readonly used: Set<Declaration> = new Set();
  /** Declarations being resolved now, to find those that need themselves. */
  readonly open: Set<Declaration> = new Set();
  readonly #named = new Map<string, Map<Declaration, NamedFormula>>();
  readonly #circular = new Set<Declaration>();
  readonly #atomIndexes = new Map<string, number>();
  readonly #tableIndexes = new Map<string, number>();
  /** How many atoms each owner was the first to need. */
  readonly #atomOwners = new Map<string, number>();
  #tooManyAtoms = false;

  constructor(report: Report, target: Target) {
    this.report = report;
    this.target = target;
  }

  table(table: Table, span: Span): number {
    const key = JSON.stringify(table);
    const known = this.#tableIndexes.get(key);
    if (known !== undefined) return known;
    if (this.tables.length === MAX_TABLES) {
      const message = `a program has at most ${MAX_TABLES} different sets to look in`;
      this.report.error('PDL-B003', span, message, 'merge sets that are tested together');
    }
    const index = this.tables.push(table) - 1;
    this.#tableIndexes.set(key, index);
    return index;
  }

  /** True when `node` is being resolved already; each circle is reported once, at the use that closes it. */
  closesCircle(node: Declaration, span: Span, message: string): boolean {
    if (!this.open.has(node)) return this.isTooDeep(this.open.size, span);
    if (!this.#circular.has(node)) this.report.error('PDL-N009', span, message, 'break the circle');
    for (const each of this.open) this.#circular.add(each);
    return true;
  }

  /** True, and reported, when declarations need each other over more than `MAX_DEPTH` steps. */
  isTooDeep(depth: number, span: Span): boolean {
    if (depth < MAX_DEPTH) return false;
    const message = `this is the end of a chain of more than ${MAX_DEPTH} declarations that need each other`;
    this.report.error('PDL-B005', span, message, 'shorten the chain');
    return true;
  }

  reads(operand: Operand): void {
    if ('fact' in operand) this.requiredFacts.add(operand.fact);
    if ('lookup' in operand) this.requiredFacts.add(operand.of);
  }

  /** Notes what an engine must be able to do; one that cannot refuses to serve the program. */
  need(code: string, span: Span, what: string, help: string): void {
    const { file, line, column, endLine, endColumn } = span;
    const message = `${what} not enforced by this release`;
    const place = { file, line, column, endLine, endColumn };
    this.needs.set(`${code}\0${file}\0${line}\0${column}`, {
      code,
      severity: 'error',
      message,
      ...place,
      help,
    });
  }

  /** The formula of a `define`, made once for each combination of states; what it asks of modes is noted again. */
  named(node: Declaration, make: () => Formula | null): Formula | null {
    const byNode = this.#named.get(this.context) ?? new Map<Declaration, NamedFormula>();
    this.#named.set(this.context, byNode);
    let entry = byNode.get(node);
    if (entry === undefined) {
      const before = [...this.modesAsked];
      this.modesAsked.clear();
      const formula = make();
      entry = { formula, asks: [...this.modesAsked] };
      byNode.set(node, entry);
      for (const mode of before) this.modesAsked.add(mode);
    }
    for (const mode of entry.asks) this.modesAsked.add(mode);
    return entry.formula;
  }

  /** Tells apart the states of modes in which something is compiled. */
  get context(): string {
    return this.states === null ? '' : `in ${[...this.states.values()].join()}`;
  }

  /** Index of the canary called `name`. */
  canary(canary: Canary): number {
    const key = JSON.stringify(canary);
    const known = this.canaries.findIndex((each) => JSON.stringify(each) === key);
    return known === -1 ? this.canaries.push(canary) - 1 : known;
  }

  /** The cubes of a formula that belongs to `owner`, such as `rule garbage`. */
  condition(formula: Formula | null, owner: string, span: Span): Condition {
    this.dropped = 0;
    if (formula === null) return [];
    const cubes = toCubes(formula, (atom) => this.#atom(atom, owner, span));
    if (cubes === null) {
      const message = `this condition of ${owner} has more than ${MAX_CUBES} alternatives when written out`;
      const help = 'split it into several rules or signals, or put values tested on one fact into one set';
      this.report.error('PDL-B002', span, message, help);
      return [];
    }
    const possible = cubes.filter((cube) => !isImpossible(caseOf(cube, this.atoms), this.tables));
    this.dropped = cubes.length - possible.length;
    return possible;
  }

  #atom(atom: Atom, owner: string, span: Span): number {
    const key = JSON.stringify(atom);
    const known = this.#atomIndexes.get(key);
    if (known !== undefined) return known;
    const index = this.atoms.push(atom) - 1;
    this.#atomIndexes.set(key, index);
    this.#atomOwners.set(owner, (this.#atomOwners.get(owner) ?? 0) + 1);
    this.reads(atom.operand);
    if (index >= MAX_ATOMS && !this.#tooManyAtoms) {
      this.#tooManyAtoms = true;
      const owners = [...this.#atomOwners].sort((a, b) => b[1] - a[1]).slice(0, 3);
      const largest = owners.map(([name, count]) => `${name} (${count})`).join(', ');
      const message = `the program needs more than ${MAX_ATOMS} different tests, from ${owner} on`;
      const help = `merge tests on one fact into one set; most tests come from ${largest}`;
      this.report.error('PDL-B001', span, message, help);
    }
    return index;
  }
}
