/** The reference grammar of the language, which lies beside the repository on the project's machines. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import peggy from 'peggy';
import { tokenize } from '../../src/pdl/syntax/lexer.ts';

export const DESIGN: string = fileURLToPath(new URL('../../../shared/design/pdl/', import.meta.url));
export const SKIP: string | false = existsSync(`${DESIGN}pdl.peggy`)
  ? false
  : '../shared/design/pdl is not on this machine';

/** Numbers in `[0, 1)` that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What the language has beyond the design's grammar: more events, and limits that name theirs. */
const ADDITIONS: readonly (readonly [string, string])[] = [
  [
    '("hello"/"handshake"/"failure"/"challenge_fail")',
    '("hello"/"handshake"/"failure"/"request"/"challenge_fail"/"challenge")',
  ],
  [
    '"limit" __ n:IDENT _ "{" _ "per" __ k:Key _',
    '"limit" __ n:IDENT _ "{" _ "per" __ k:Key _ (_ "of" __ LimitEvent)? _',
  ],
];
const LIMIT_EVENT =
  '\nLimitEvent = "hello" / "handshake" / "failure" / "request" / "challenge_fail" / "challenge"\n';

function readGrammar(): string {
  const text = readFileSync(`${DESIGN}pdl.peggy`, 'utf8');
  return ADDITIONS.reduce((grammar, [from, to]) => grammar.replace(from, to), text) + LIMIT_EVENT;
}

export class ReferenceGrammar {
  readonly #source = readGrammar();
  readonly #parser = peggy.generate(this.#source);
  readonly #rules: ReadonlyMap<string, Expression>;

  constructor() {
    // biome-ignore lint/suspicious/noExplicitAny: peggy types only a part of its own tree
    const { rules } = (peggy.parser as any).parse(this.#source, { reservedWords: [] });
    this.#rules = new Map(
      rules.map((rule: { name: string; expression: Expression }) => [rule.name, rule.expression]),
    );
  }

  accepts(text: string): boolean {
    try {
      // why: the grammar lets the word `not` alone be a name, and reads `initial` as `in itial`; here `not` is always
      // the operator, and words end where their letters do.
      return !/"o":"not"|"itial"/.test(JSON.stringify(this.#parser.parse(text)));
    } catch {
      return false;
    }
  }

  /** A program made by following the grammar's own rules; a few of them fail its look-aheads. */
  program(seed: number): string {
    const text = new Writer(this.#rules, randomFrom(seed)).write('File');
    // why: where two words meet without a blank the grammar is laxer on purpose, so they never do here.
    return text.replaceAll(/(?<=\w)\0+(?=[\w.+-])/g, ' ').replaceAll('\0', '');
  }
}

type Expression =
  | { readonly type: 'rule_ref'; readonly name: string }
  | { readonly type: 'sequence'; readonly elements: readonly Expression[] }
  | { readonly type: 'choice'; readonly alternatives: readonly Expression[] }
  | { readonly type: 'literal'; readonly value: string }
  | {
      readonly type: 'class';
      readonly parts: readonly (string | [string, string])[];
      readonly inverted: boolean;
    }
  | { readonly type: 'any' | 'simple_not' | 'simple_and' }
  | {
      readonly type: 'action' | 'labeled' | 'text' | 'group' | 'optional' | 'zero_or_more' | 'one_or_more';
      readonly expression: Expression;
    };

/** Rules deeper than this take no optional parts. */
const MAX_DEPTH = 60;
const SPACES = [' ', ' ', ' ', '  ', '\n', '\n', '\t', '\r\n', ' # c "}\n', '\n\n#{\n'];

class Writer {
  readonly #rules: ReadonlyMap<string, Expression>;
  readonly #random: () => number;

  constructor(rules: ReadonlyMap<string, Expression>, random: () => number) {
    this.#rules = rules;
    this.#random = random;
  }

  /** `\0` stands where white space may be and is not. */
  write(rule: string, depth = 0): string {
    if (rule === '_') return this.#random() < 0.3 ? '\0' : this.#pick(SPACES);
    if (rule === '__') return this.#pick(SPACES);
    if (rule === '__h') return this.#pick([' ', '  ', '\t']);
    return this.#expand(this.#rules.get(rule)!, depth + 1);
  }

  #expand(expression: Expression, depth: number): string {
    switch (expression.type) {
      case 'rule_ref':
        return this.write(expression.name, depth);
      case 'sequence':
        return expression.elements.map((element) => this.#expand(element, depth)).join('');
      case 'choice': {
        const { alternatives } = expression;
        return this.#expand(depth > MAX_DEPTH ? alternatives.at(-1)! : this.#pick(alternatives), depth);
      }
      case 'literal':
        return expression.value;
      case 'class':
        return this.#character(expression);
      case 'any':
        return this.#pick([...'"\\nx/']);
      case 'simple_not':
      case 'simple_and':
        return '';
      case 'optional':
        return depth < MAX_DEPTH && this.#random() < 0.5 ? this.#expand(expression.expression, depth) : '';
      case 'zero_or_more':
      case 'one_or_more': {
        const least = expression.type === 'one_or_more' ? 1 : 0;
        const count = depth > MAX_DEPTH ? least : least + Math.floor(this.#random() * 3);
        return Array.from({ length: count }, () => this.#expand(expression.expression, depth)).join('');
      }
      default:
        return this.#expand(expression.expression, depth);
    }
  }

  #character({ parts, inverted }: Extract<Expression, { type: 'class' }>): string {
    const isIn = (character: string): boolean =>
      parts.some((part) =>
        typeof part === 'string' ? part === character : part[0] <= character && character <= part[1],
      );
    if (inverted) return this.#pick([...'ab 1.*#{}é'].filter((character) => !isIn(character)));
    const part = this.#pick(parts);
    if (typeof part === 'string') return part;
    const [from, to] = [part[0].charCodeAt(0), part[1].charCodeAt(0)];
    return String.fromCharCode(from + Math.floor(this.#random() * (to - from + 1)));
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)]!;
  }
}

/** Changes of one token that never join two words: where words join, the grammar is laxer on purpose. */
export function* variants(text: string): Generator<string> {
  const tokens = tokenize(text).slice(0, -1);
  for (const [i, token] of tokens.entries()) {
    const [before, after] = [text.slice(0, token.start), text.slice(token.end)];
    const other = tokens[(i * 7919 + 13) % tokens.length]!;
    const next = tokens[i + 1];
    yield `${before} ${after}`;
    yield `${before}${token.text} ${token.text} ${after}`;
    yield `${before} ${other.text} ${after}`;
    if (next === undefined) continue;
    yield `${before} ${next.text} ${text.slice(token.end, next.start)}${token.text} ${text.slice(next.end)}`;
    if (!(/\w$/.test(token.text) && /^\w/.test(next.text)))
      yield before + token.text + text.slice(next.start);
  }
}
