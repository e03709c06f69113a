import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import peggy from 'peggy';
import { Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import { tokenize } from '../../src/pdl/syntax/lexer.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';

const DESIGN = fileURLToPath(new URL('../../../shared/design/pdl/', import.meta.url));
const SKIP = existsSync(`${DESIGN}pdl.peggy`) ? false : '../shared/design/pdl is not on this machine';
/** Every so many variants are compared, to stay fast; the step is no multiple of the kinds of change. */
const STEP = 23;

function ours(text: string): boolean {
  const report = new Report();
  parse('x.pdl', text, report);
  return !report.hasErrors;
}

/** Changes of one token that never join two words: where words join, the grammar is laxer on purpose. */
function* variants(text: string): Generator<string> {
  const tokens = tokenize(text).slice(0, -1);
  for (const [i, token] of tokens.entries()) {
    const [before, after] = [text.slice(0, token.start), text.slice(token.end)];
    const other = tokens[(i * 7919 + 13) % tokens.length]!;
    const next = tokens[i + 1];
    yield `${before} ${after}`;
    yield `${before}${token.text} ${token.text} ${after}`;
    yield `${before} ${other.text} ${after}`;
    if (next === undefined) continue;
    yield `${before}${next.text}${text.slice(token.end, next.start)}${token.text}${text.slice(next.end)}`;
    if (!(/\w$/.test(token.text) && /^\w/.test(next.text)))
      yield before + token.text + text.slice(next.start);
  }
}

test('the parser accepts what the reference grammar accepts, and nothing else', { skip: SKIP }, () => {
  const grammar = peggy.generate(readFileSync(`${DESIGN}pdl.peggy`, 'utf8'));
  const reference = (text: string): boolean => {
    try {
      // why: the grammar lets the word `not` alone be a name; here it is always the operator.
      return !JSON.stringify(grammar.parse(text)).includes('"o":"not"');
    } catch {
      return false;
    }
  };
  let compared = 0;
  let accepted = 0;
  for (const file of globSync(`${DESIGN}**/*.pdl`)) {
    const text = readFileSync(file, 'utf8');
    assert.ok(ours(text) && reference(text), file);
    let index = 0;
    for (const variant of variants(text)) {
      if (index++ % STEP !== 0) continue;
      const expected = reference(variant);
      compared++;
      accepted += Number(expected);
      assert.equal(ours(variant), expected, `${file}, variant ${index}:\n${variant}`);
    }
  }
  assert.ok(compared > 300 && accepted > 30, `${compared} compared, ${accepted} accepted`);
});

test('the default pack is the design’s, letter by letter', { skip: SKIP }, () => {
  const pack = new URL('../../policies/three-tiers.pdl', import.meta.url);
  assert.equal(readFileSync(pack, 'utf8'), readFileSync(`${DESIGN}04-three-tiers.pdl`, 'utf8'));
});
