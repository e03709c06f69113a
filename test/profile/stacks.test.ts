import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadStacks, OWN_STACKS, parseStacks } from '../../src/profile/stacks.ts';

const GOOD = `classes = unix
; a comment
[mtu]
label = Ethernet
sig   = 1500
[tcp:request]
label = s:unix:Linux:5.x
sys   = @unix
sig   = *:64:0:*:mss*44,7:mss,sok,ts,nop,ws:df,id+:0
[http:request]
label = s:!:Firefox:2.x
sig   = *:Host:Keep-Alive:Firefox/
`;

/** Line and column of what is wrong. */
function places(text: string): string[] {
  return parseStacks('x.fp', text).diagnostics.map(({ line, column }) => `${line}:${column}`);
}

test('the sections of SYNs and links are read, those of HTTP passed over', () => {
  const { stacks, diagnostics } = parseStacks('x.fp', GOOD.replaceAll('\n', '\r\n'));
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(stacks?.links, [{ name: 'Ethernet', mtu: 1_500 }]);
  const label = { name: 'Linux', flavor: '5.x', generic: false, tool: false };
  assert.deepEqual(
    stacks?.signatures.map((each) => each.label),
    [label],
  );
});

test("the package's own signatures have no mistake, and name today's systems and scanners", () => {
  const { stacks, diagnostics } = loadStacks(OWN_STACKS);
  assert.deepEqual(diagnostics, []);
  const names = new Set(stacks?.signatures.map(({ label }) => label.name));
  for (const name of [
    'Linux',
    'Android',
    'Windows',
    'Darwin',
    'FreeBSD',
    'OpenBSD',
    'masscan',
    'zmap',
    'nmap',
  ]) {
    assert.ok(names.has(name), name);
  }
});

test('no signature of the package is hidden behind an equal one', () => {
  const signatures = readFileSync(OWN_STACKS, 'utf8').match(/^sig.*:.*$/gm)!;
  assert.equal(new Set(signatures).size, signatures.length);
});

test('mistakes are reported with line and column, several at once', () => {
  assert.deepEqual(places(GOOD.replace('1500', '70000')), ['5:9']);
  assert.deepEqual(places(GOOD.replace('s:unix:Linux', 's:linux:Linux')), ['7:11']);
  assert.deepEqual(places(GOOD.replace('s:unix:Linux', 'x:unix:Linux').replace('df,id+', 'df,id')), [
    '7:9',
    '9:45',
  ]);
  assert.deepEqual(places(GOOD.replace('label = s:unix:Linux:5.x\n', '')), ['8:1']);
  assert.deepEqual(places(GOOD.replace('[mtu]', '[mtv]')), ['3:1', '4:1', '5:1']);
  assert.deepEqual(places('[mtu]\n  label\n'), ['2:3']);
  assert.deepEqual(places('[tcp:request]\nfoo = 1\n'), ['2:1']);
});

test('a file that is missing is an error with its name', () => {
  const { stacks, diagnostics } = loadStacks('/nonexistent/p0f.fp');
  assert.equal(stacks, null);
  assert.equal(diagnostics[0]?.file, '/nonexistent/p0f.fp');
});

test('no text makes the reader throw', () => {
  const line = fc.oneof(fc.constantFrom(...GOOD.split('\n')), fc.string());
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const { stacks, diagnostics } = parseStacks('x.fp', lines.join('\n'));
      assert.equal(stacks === null, diagnostics.length > 0);
    }),
  );
});
