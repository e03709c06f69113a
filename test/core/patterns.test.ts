import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { compile } from '../../src/pdl/compile/compile.ts';
import { fact } from '../support/program.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score risk { clamp 0..100 }
ruleset patterns {
  deny glob    when hello.sni like "*shop?.example" do drop
  deny regular when hello.sni matches /^(www|m)[0-9]*\\./ do drop
  deny neither when hello.sni not matches /example$/ do drop
  deny member  when any(cert.san_uri) like "spiffe://*/web*" do drop
  deny finger  when hello.ja4 like "t13d*_8daaf6152771_*" do drop
}
policy low extends tls.intermediate { }
site all { listen edge  sni any  score risk  rules [ patterns ]  ladder { from 0 use low }  on_error use low }
`;

test('patterns of a policy hold for the texts they match, and for none when the text is not known', () => {
  const { program, diagnostics } = compile({ path: 'p.pdl', text: POLICY }, () => null);
  assert.ok(program !== null, JSON.stringify(diagnostics));
  const { image } = encodeProgram(program);
  const tables = encodeTables(program, new Map());
  for (const variant of ['scalar', 'simd'] as const) {
    const core = new Core(loadCoreModule(variant));
    assert.equal(core.loadTables(tables), 0);
    assert.ok(core.loadImage(image) > 0);
    const holding = (sni: string | null, ja4 = 't13d1516h2_0_0'): string[] => {
      core.begin();
      if (sni !== null) core.setText(fact('hello.sni'), sni);
      core.setText(fact('hello.ja4'), ja4);
      return core.decide(0, 1).matchedRules.map((rule) => program.rules[rule]!.name);
    };
    assert.deepEqual(holding('my-shop1.example'), ['glob']);
    assert.deepEqual(holding('www2.a.example'), ['regular']);
    assert.deepEqual(holding('m.shop1.example.org'), ['regular', 'neither']);
    assert.deepEqual(holding('a.example', 't13d1516h2_8daaf6152771_02713d6af862'), ['finger']);
    assert.deepEqual(holding(null), []);
  }
});

test('of a list one text that matches is enough, whatever is beside it', () => {
  const { program } = compile({ path: 'p.pdl', text: POLICY }, () => null);
  const { image } = encodeProgram(program!);
  for (const variant of ['scalar', 'simd'] as const) {
    const core = new Core(loadCoreModule(variant));
    assert.equal(core.loadTables(encodeTables(program!, new Map())), 0);
    assert.ok(core.loadImage(image) > 0);
    const holds = (uris: readonly string[] | null): boolean => {
      core.begin();
      if (uris !== null) core.setStrings(fact('cert.san_uri'), uris);
      return core.decide(0, 2).matchedRules.some((rule) => program!.rules[rule]!.name === 'member');
    };
    assert.equal(holds(['https://a.test/', 'spiffe://shop.example/web-1', 'x']), true);
    assert.equal(holds(['spiffe://shop.example/billing', 'https://a.test/web']), false);
    assert.equal(holds(['spiffe://shop.example', '/web']), false, 'no text goes on in the next');
    assert.equal(holds([]), false);
    assert.equal(holds(null), false);
  }
});
