import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import oniguruma from 'vscode-oniguruma';
import textmate from 'vscode-textmate';
import { Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';
import { isNode, type SyntaxNode } from '../../src/pdl/syntax/tree.ts';
import { DESIGN } from './grammar.ts';

const EXTENSION = new URL('../../examples/vscode/', import.meta.url);
let grammar: textmate.IGrammar;

before(async () => {
  const require = createRequire(import.meta.url);
  await oniguruma.loadWASM(readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm')));
  const path = fileURLToPath(new URL('syntaxes/pdl.tmLanguage.json', EXTENSION));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(readFileSync(path, 'utf8'), path),
  });
  grammar = (await registry.loadGrammar('source.pdl'))!;
});

/** The innermost scope at each character of a text. */
function scopesOf(text: string): string[] {
  let state = textmate.INITIAL;
  const scopes: string[] = [];
  for (const line of text.split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    const own: string[] = Array.from({ length: line.length }, () => 'source.pdl');
    for (const { startIndex, endIndex, scopes: found } of tokens)
      own.fill(found.at(-1)!, startIndex, endIndex);
    scopes.push(...own.slice(0, line.length), 'source.pdl');
  }
  return scopes;
}

function scopeOf(text: string, word: string): string {
  return scopesOf(text)[text.indexOf(word)]!;
}

test('each kind of word has a colour of its own', () => {
  const text = `pdl 1
feed blocklist of cidr from file "a\\"b" { refresh 15m }  # why "not"
deny tools when hello.ja4 in blocklist and conn.ip in { 2001:db8::/32 } do refuse alert access_denied
@why "x"
`;
  assert.match(scopeOf(text, 'pdl'), /^keyword/);
  assert.match(scopeOf(text, 'feed'), /^storage\.type/);
  assert.match(scopeOf(text, 'blocklist of'), /^entity\.name/);
  assert.match(scopeOf(text, 'b" {'), /^string/);
  assert.match(scopeOf(text, '15m'), /^constant\.numeric/);
  assert.match(scopeOf(text, 'refresh'), /property-name/);
  assert.match(scopeOf(text, 'why "not"'), /^comment/);
  assert.match(scopeOf(text, 'tools'), /^entity\.name/);
  assert.match(scopeOf(text, 'hello.ja4'), /^variable\.language\.fact/);
  assert.match(scopeOf(text, 'and'), /^keyword\.operator\.word/);
  assert.match(scopeOf(text, '2001:db8'), /address/);
  assert.match(scopeOf(text, 'refuse'), /verdict/);
  assert.match(scopeOf(text, '@why'), /attribute-name/);
});

/** Every token with the kinds of the nodes around it. */
function* tokensIn(
  node: SyntaxNode,
): Generator<{ kind: string; parent: string; text: string; start: number }> {
  for (const child of node.children) {
    if (isNode(child)) yield* tokensIn(child);
    else yield { kind: child.kind, parent: node.kind, text: child.text, start: child.start };
  }
}

test('the grammar agrees with the parser on strings, facts, numbers and keywords of real policies', () => {
  const files = [
    ...globSync(fileURLToPath(new URL('../../policies/**/*.pdl', import.meta.url))),
    ...globSync(`${DESIGN}0*.pdl`),
  ];
  const wrong: string[] = [];
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const scopes = scopesOf(text);
    for (const { kind, parent, text: word, start } of tokensIn(parse(file, text, new Report()).tree)) {
      const scope = scopes[start]!;
      const expected = expectedScope(kind, parent);
      if (expected !== null && !expected.test(scope)) wrong.push(`${file}: ${word} is ${scope}`);
    }
  }
  assert.deepEqual(wrong, []);
});

function expectedScope(kind: string, parent: string): RegExp | null {
  if (kind === 'string') return /^string/;
  if (parent === 'fact') return /^variable\.language\.fact/;
  if (['int', 'duration', 'rate', 'cidr', 'ip', 'bytes', 'percent'].includes(kind))
    return /^constant\.numeric/;
  const isKeyword = kind === 'word' && !['name', 'reference', 'value'].includes(parent);
  return isKeyword ? /^(keyword|storage|support|constant)/ : null;
}
