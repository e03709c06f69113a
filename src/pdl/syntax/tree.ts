/**
 * The lossless tree of a file: every token with the white space and comments before it, nested by construct.
 * Whatever the text, putting its tokens together gives the text back. The formatter prints from it and the
 * editor's questions begin with it; what the constructs mean is in the syntax tree proper (`ast.ts`).
 */
import type { Token } from './lexer.ts';

/**
 * - `header`, `import`, `meta`, `declaration`: what a file consists of
 * - `block`: `{ entry … }`; `items`: a set or list with its commas
 * - `annotation`, `stage`, `key`, `verdict`, `expression`, `call` (`count(…)`): parts of entries
 * - `name`, `reference` (a name that may begin with an import’s), `fact`, `value`: one token each
 * - `error`: tokens passed over after a syntax error
 *
 * A word that stands in none of the last four is a keyword.
 */
export type NodeKind =
  | 'file'
  | 'header'
  | 'import'
  | 'meta'
  | 'declaration'
  | 'block'
  | 'entry'
  | 'items'
  | 'annotation'
  | 'stage'
  | 'key'
  | 'verdict'
  | 'expression'
  | 'call'
  | 'name'
  | 'reference'
  | 'fact'
  | 'value'
  | 'error';

export interface SyntaxNode {
  readonly kind: NodeKind;
  readonly children: readonly (SyntaxNode | Token)[];
}

export function isNode(child: SyntaxNode | Token): child is SyntaxNode {
  return 'children' in child;
}

/** Grows a tree while a file is read from front to back. */
export class TreeBuilder {
  #open: { kind: NodeKind; children: (SyntaxNode | Token)[] } = { kind: 'file', children: [] };

  add(token: Token): void {
    this.#open.children.push(token);
  }

  /** All that `read` adds becomes one node, also when it throws; a node that holds nothing is left out. */
  node<T>(kind: NodeKind, read: () => T): T {
    const outer = this.#open;
    const node = { kind, children: [] };
    this.#open = node;
    try {
      return read();
    } finally {
      this.#open = outer;
      if (node.children.length > 0) outer.children.push(node);
    }
  }

  /** The whole tree; call it once everything is read. */
  finish(): SyntaxNode {
    return this.#open;
  }
}

/** The tokens under `node`, in their order in the text. */
export function* tokensOf(node: SyntaxNode): Generator<Token> {
  for (const child of node.children) {
    if (isNode(child)) yield* tokensOf(child);
    else yield child;
  }
}

export function firstToken(node: SyntaxNode): Token {
  let child = node.children[0]!;
  while (isNode(child)) child = child.children[0]!;
  return child;
}
