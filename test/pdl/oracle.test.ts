import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Report } from '../../src/pdl/diagnostics/diagnostic.ts';
import { parse } from '../../src/pdl/syntax/parse.ts';
import { DESIGN, ReferenceGrammar, SKIP, variants } from './grammar.ts';

/** Every so many variants are compared, to stay fast; the steps are no multiples of the kinds of change. */
const STEP = 23;
const PROGRAM_STEP = 41;
/** Programs made from the grammar; each is compared with some of its variants. */
const PROGRAMS = Number(process.env.PDL_PROGRAMS ?? 400);

function accepts(text: string): boolean {
  const report = new Report();
  parse('x.pdl', text, report);
  return !report.hasErrors;
}

test('the parser accepts the design’s files, and their variants as the reference grammar does', {
  skip: SKIP,
}, () => {
  const reference = new ReferenceGrammar();
  let compared = 0;
  let accepted = 0;
  for (const file of globSync(`${DESIGN}**/*.pdl`)) {
    const text = readFileSync(file, 'utf8');
    assert.ok(accepts(text) && reference.accepts(text), file);
    let index = 0;
    for (const variant of variants(text)) {
      if (index++ % STEP !== 0) continue;
      const expected = reference.accepts(variant);
      compared++;
      accepted += Number(expected);
      assert.equal(accepts(variant), expected, `${file}, variant ${index}:\n${variant}`);
    }
  }
  assert.ok(compared > 300 && accepted > 30, `${compared} compared, ${accepted} accepted`);
});

test('the parser accepts what the reference grammar accepts of programs made from it, and nothing else', {
  skip: SKIP,
}, () => {
  const reference = new ReferenceGrammar();
  let accepted = 0;
  for (let seed = 0; seed < PROGRAMS; seed++) {
    const program = reference.program(seed);
    let index = 0;
    for (const text of [program, ...variants(program)]) {
      // why: the program itself is always compared, and other variants of each program.
      if (index++ > 0 && (index * 31 + seed) % PROGRAM_STEP !== 0) continue;
      const expected = reference.accepts(text);
      if (text === program) accepted += Number(expected);
      assert.equal(accepts(text), expected, `program ${seed}, variant ${index}:\n${text}`);
    }
  }
  assert.ok(accepted > PROGRAMS / 2, `${accepted} of ${PROGRAMS} accepted`);
});

test('the default pack is the design’s, letter by letter', { skip: SKIP }, () => {
  const pack = new URL('../../policies/three-tiers.pdl', import.meta.url);
  assert.equal(readFileSync(pack, 'utf8'), readFileSync(`${DESIGN}04-three-tiers.pdl`, 'utf8'));
});
