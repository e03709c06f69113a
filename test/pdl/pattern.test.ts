import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Automaton, compileAutomaton } from '../../src/pdl/pattern/automaton.ts';
import { PatternError, type PatternKind } from '../../src/pdl/pattern/syntax.ts';

/** What the decision core does with an automaton. */
function matchesAutomaton(automaton: Automaton, text: Uint8Array): boolean {
  let state = automaton.start;
  for (const byte of text) state = automaton.next[state * automaton.classCount + automaton.classes[byte]!]!;
  return state >= automaton.firstAccepting;
}

function matches(kind: PatternKind, pattern: string, text: string): boolean {
  return matchesAutomaton(compileAutomaton(kind, pattern), Buffer.from(text));
}

/** Expressions over a few letters, so that they match often. */
const piece = fc.constantFrom(
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '\\d',
  '\\W',
  'é',
  '\\.',
  '[a-c-]',
  '\\u0061',
  '\\x62',
);
const count = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,}', '{0,2}', '*?', '+?');
const counted = (what: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(what, count).map(([part, times]) => part + times);
const row = (part: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(part, { maxLength: 3 }).map((parts) => parts.join(''));
const choice = (branch: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.array(branch, { minLength: 1, maxLength: 2 }).map((branches) => branches.join('|'));
const group = fc
  .tuple(fc.constantFrom('(', '(?:'), choice(row(counted(piece))))
  .map((parts) => `${parts.join('')})`);
const regex = choice(
  fc
    .tuple(fc.constantFrom('', '^'), row(counted(fc.oneof(piece, group))), fc.constantFrom('', '$'))
    .map((parts) => parts.join('')),
);
// why: no character beyond U+FFFF, of which V8 says that `[^a]$` does not match it.
const text = fc.array(fc.constantFrom('a', 'b', 'c', '.', '1', 'é', '€', '\n', '-', ''), { maxLength: 7 });

/** Null when it takes too many states, as some do that end in `$` and may begin anywhere. */
function compileSmall(pattern: string): Automaton | null {
  try {
    return compileAutomaton('regex', pattern);
  } catch (error) {
    if (/too many states/.test((error as Error).message)) return null;
    throw error;
  }
}

test('a regular expression matches what JavaScript says it matches', () => {
  fc.assert(
    fc.property(regex, fc.array(text, { minLength: 1, maxLength: 4 }), (pattern, texts) => {
      const reference = new RegExp(pattern, 'u');
      const automaton = compileSmall(pattern);
      fc.pre(automaton !== null);
      for (const characters of texts) {
        const each = characters.join('');
        const found = matchesAutomaton(automaton, Buffer.from(each));
        assert.equal(found, reference.test(each), `/${pattern}/ on ${JSON.stringify(each)}`);
      }
    }),
    { numRuns: 300 },
  );
});

test('a glob matches the whole text: any text, one character, one of a class, or itself', () => {
  const cases: readonly [string, readonly string[], readonly string[]][] = [
    ['/admin/*', ['/admin/', '/admin/x/y'], ['/admin', 'x/admin/y']],
    ['*.php', ['.php', '/a/b.php'], ['a.phpx', 'a.PHP']],
    ['?', ['a', 'é', '😀'], ['', 'ab']],
    ['v[0-9].*', ['v1.', 'v2.x'], ['v.', 'vx.']],
    ['a.b+(c)', ['a.b+(c)'], ['axb+(c)']],
    ['*a*b*', ['ab', 'xaxbx'], ['ba', 'a']],
    ['[^a-c]x', ['dx', 'éx'], ['ax', 'x']],
  ];
  for (const [glob, hits, misses] of cases) {
    for (const each of hits) assert.ok(matches('glob', glob, each), `${glob} on ${each}`);
    for (const each of misses) assert.ok(!matches('glob', glob, each), `${glob} on ${each}`);
  }
});

test('what is no pattern, or not a regular one, is refused with its reason', () => {
  const cases: readonly [PatternKind, string, RegExp][] = [
    ['glob', 'a[bc', /`\[` that is not closed/],
    ['regex', '(a)\\1', /`\\1` is not supported/],
    ['regex', 'a(?=b)', /look-around/],
    ['regex', '\\bword', /`\\b` is not supported/],
    ['regex', 'a{65}', /at most 64/],
    ['regex', 'a{3,2}', /no regular expression/],
    ['regex', '(a', /no regular expression/],
    ['regex', 'a)', /no regular expression/],
    ['regex', '*a', /no regular expression/],
    ['regex', 'a**', /no regular expression/],
    ['regex', '^*', /no regular expression/],
    ['regex', '[b-a]', /out of order/],
    ['regex', '[é]', /beyond ASCII/],
    ['regex', 'a\\', /no regular expression/],
    ['regex', '(a|b)*a(a|b){12}', /too many states/],
    ['regex', '((a{64}){64}){64}', /too large/],
  ];
  for (const [kind, pattern, reason] of cases) {
    assert.throws(
      () => compileAutomaton(kind, pattern),
      (error) => error instanceof PatternError && reason.test(error.message) && error.help !== '',
      pattern,
    );
  }
});

test('no pattern of 255 characters takes long to compile or to be refused', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<PatternKind>('glob', 'regex'),
      fc.string({ maxLength: 255 }),
      (kind, pattern) => {
        try {
          compileAutomaton(kind, pattern);
        } catch (error) {
          assert.ok(error instanceof PatternError);
        }
      },
    ),
    { numRuns: 300 },
  );
});
