/**
 * Lays a tree out anew. What is written stays, token by token, and so do the author's line breaks (at most one
 * blank line in a row); every blank within a line, every indentation and every alignment is decided here.
 */

import type { Token } from '../syntax/lexer.ts';
import { firstToken, isNode, type NodeKind, type SyntaxNode, tokensOf } from '../syntax/tree.ts';
import { type Gap, gapOf } from './gap.ts';
import { draw, KEY, Line, MARGIN, type Place } from './layout.ts';

const INDENT = 2;
const TIERS = ['forbid', 'exempt', 'deny', 'pin'];
/** Sections that read as tables: all their entries align, not only those of one kind. */
const TABLES = ['tls', 'extensions'];
/** Parts that go before an entry proper, on its line or on lines of their own. */
const PREFIXES: readonly NodeKind[] = ['annotation', 'stage'];

/** How the next token is set off from the one before. */
interface Break {
  /** Where it goes when it begins a line. */
  readonly at: Place;
  /** It begins a line whether or not it did so before. */
  readonly force?: boolean;
  /** A blank line before it is kept. */
  readonly blank?: boolean;
}

function indented({ line, cell, offset }: Place): Place {
  return { line, cell, offset: offset + INDENT };
}

export class Printer {
  readonly #source: string;
  readonly #lines: Line[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  /** The canonical text of a file without syntax errors. */
  print(file: SyntaxNode): string {
    for (const [index, child] of file.children.entries()) {
      const how = { at: MARGIN, force: true, blank: index > 0 };
      if (isNode(child)) this.#entry(child, how, 0, file, '');
      else this.#comments(this.#gap(child), how);
    }
    return draw(this.#lines);
  }

  get #line(): Line {
    return this.#lines.at(-1)!;
  }

  #gap(token: Token): Gap {
    return gapOf(this.#source.slice(token.lead, token.start), token.lead === 0);
  }

  #hasComments(token: Token): boolean {
    const { trailing, comments } = this.#gap(token);
    return trailing !== null || comments.length > 0;
  }

  /** Sets the comments of a gap. */
  #comments(gap: Gap, { at, blank = false }: Break): void {
    if (gap.trailing !== null) this.#line.comment = gap.trailing;
    for (const [index, comment] of gap.comments.entries()) {
      const line = new Line(at, comment.blank && (blank || index > 0));
      line.transparent = true;
      line.begin('#', 0);
      line.write(comment.text);
      this.#lines.push(line);
    }
  }

  /** Goes to where `token` belongs, past the comments before it; tells whether that is a new line. */
  #advance(token: Token, how: Break): boolean {
    const gap = this.#gap(token);
    const hasComments = gap.trailing !== null || gap.comments.length > 0;
    if (!gap.newline && !hasComments && !how.force) return false;
    this.#comments(gap, how);
    this.#lines.push(new Line(how.at, gap.blank && (how.blank === true || gap.comments.length > 0)));
    return true;
  }

  /**
   * One entry, declaration or other part of a list `table` of such parts. Neighbours in a table align; null is a
   * block on one line, whose entries do not align among themselves. `section` is the word before the block.
   */
  #entry(node: SyntaxNode, how: Break, space: number, table: SyntaxNode | null, section: string): void {
    const isNewLine = this.#advance(firstToken(node), how);
    const line = this.#line;
    if (isNewLine) line.table = table;
    else if (line.table === table) line.table = null;
    const base = isNewLine ? line.at : { line, cell: line.cells.length, offset: 0 };
    let previous: SyntaxNode | Token | null = null;
    let word = '';
    for (const child of node.children) {
      this.#part(child, previous, { base, table, section, word, space });
      if (!isNode(child)) word = child.text;
      previous = child;
    }
  }

  /** One child of an entry: a cell of its line. */
  #part(
    child: SyntaxNode | Token,
    previous: SyntaxNode | Token | null,
    entry: { base: Place; table: SyntaxNode | null; section: string; word: string; space: number },
  ): void {
    const { base, table } = entry;
    const token = isNode(child) ? firstToken(child) : child;
    let glued = false;
    let space = entry.space;
    if (previous !== null) {
      const afterPrefix = isNode(previous) && PREFIXES.includes(previous.kind);
      const before = this.#line;
      const isNewLine = this.#advance(token, { at: afterPrefix ? base : indented(base) });
      if (isNewLine && afterPrefix) {
        before.transparent = true;
        before.table = null;
        this.#line.table = table;
      }
      const isPair = isNode(previous) && previous.kind === 'annotation';
      space = isPair ? 2 : 1;
      glued = !isNewLine && (isGlue(token) || (!isNode(previous) && previous.text === '..'));
    }
    const isFirst = previous === null || (isNode(previous) && PREFIXES.includes(previous.kind));
    if (!glued) this.#line.begin(tagOf(child, isFirst && TABLES.includes(entry.section)), space);
    if (!isNode(child)) this.#line.write(child.text);
    else if (child.kind === 'block') this.#block(child, base, entry.word);
    else if (child.kind === 'items') this.#items(child, base);
    else this.#flow(child, base);
  }

  /** `{ entry … }`: entries on lines of their own when the first one is, else from the brace on. */
  #block(node: SyntaxNode, base: Place, section: string): void {
    const [, first] = node.children;
    const entries = node.children.slice(1, -1).filter(isNode);
    const close = node.children.at(-1) as Token;
    this.#line.write('{');
    const heads = [...entries.map(firstToken), close];
    const broken =
      this.#gap(isNode(first!) ? firstToken(first) : close).newline ||
      heads.some((token) => this.#hasComments(token));
    if (!broken) {
      const { end: at } = this.#line;
      const inner = { ...at, offset: at.offset + 1 };
      let place: Place | null = null;
      for (const entry of entries) {
        const next: Place = { line: this.#line, cell: this.#line.cells.length, offset: 0 };
        place ??= next;
        this.#entry(entry, { at: place ?? inner }, entry === entries[0] ? 1 : 2, null, section);
      }
      this.#line.write(' }');
      return;
    }
    if (entries.length > 0 || this.#hasComments(close)) {
      for (const [index, entry] of entries.entries()) {
        const how = { at: indented(base), force: index === 0, blank: index > 0 };
        this.#entry(entry, how, 2, node, section);
      }
      this.#comments(this.#gap(close), { at: indented(base), blank: entries.length > 0 });
      this.#lines.push(new Line(base, false));
      this.#line.begin('}', 0);
      this.#line.write('}');
    } else this.#line.write(' }');
  }

  /** A set or list, in the cell at hand: items on lines of their own when the first one is. */
  #items(node: SyntaxNode, base: Place): void {
    const tokens = [...tokensOf(node)];
    const [open, ...rest] = tokens as [Token, ...Token[]];
    const close = rest.pop()!;
    this.#line.write(open.text);
    const hasComments = [...rest, close].some((token) => this.#hasComments(token));
    const broken = hasComments || (rest.length > 0 && this.#gap(rest[0]!).newline);
    let at = indented(base);
    if (!broken) {
      const { end } = this.#line;
      at = { ...end, offset: end.offset + 1 };
    }
    for (const [index, token] of rest.entries()) {
      const isNewLine = this.#advance(token, { at, force: broken && index === 0, blank: index > 0 });
      if (isNewLine) this.#line.begin('', 0);
      else if (!isGlue(token)) this.#line.write(' ');
      this.#line.write(token.text);
    }
    if (!broken) {
      this.#line.write(` ${close.text}`);
      return;
    }
    this.#comments(this.#gap(close), { at, blank: rest.length > 0 });
    this.#lines.push(new Line(base, false));
    this.#line.begin('', 0);
    this.#line.write(close.text);
  }

  /** Running text in the cell at hand, such as a condition; its further lines begin where the cell does. */
  #flow(node: SyntaxNode, base: Place): void {
    const cell = this.#line.cells.length - 1;
    const at: Place = { line: this.#line, cell, offset: 0 };
    let previous: Token | null = null;
    const visit = (parent: SyntaxNode): void => {
      for (const child of parent.children) {
        const token = isNode(child) ? firstToken(child) : child;
        if (previous !== null && (!isNode(child) || child.kind === 'items')) {
          const isNewLine = this.#advance(token, { at });
          if (isNewLine) this.#line.begin('', 0);
          else if (isSpaced(previous, token, parent)) this.#line.write(' ');
        }
        if (!isNode(child)) {
          this.#line.write(child.text);
          previous = child;
        } else if (child.kind === 'items') {
          this.#items(child, base);
          previous = child.children.at(-1) as Token;
        } else visit(child);
      }
    };
    visit(node);
  }
}

function isGlue({ kind, text }: Token): boolean {
  return kind === 'punctuation' && (text === ',' || text === '..');
}

function isSpaced(previous: Token, token: Token, parent: SyntaxNode): boolean {
  if (isGlue(token) || token.text === ')' || ['(', '@', '..'].includes(previous.text)) return false;
  // why: only a version is a value of several tokens, and nothing may stand between them.
  if (parent.kind === 'value' && parent.children[0] !== token) return false;
  return !(token.text === '(' && parent.kind === 'call');
}

/** Words align with the same word, and values with values. */
function tagOf(part: SyntaxNode | Token, isKey: boolean): string {
  if (isKey) return KEY;
  if (isNode(part)) return part.kind === 'block' ? '{' : 'value';
  return TIERS.includes(part.text) ? 'rule' : part.text;
}
