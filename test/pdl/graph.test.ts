import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { compile } from '../../src/pdl/compile/compile.ts';
import { drawPolicy } from '../../src/pdl/graph/graph.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { BASE, compileText } from './support.ts';

function ready(name: string): Program {
  const path = new URL(`../../policies/${name}.pdl`, import.meta.url);
  return compile({ path: name, text: readFileSync(path, 'utf8') }, () => null).program!;
}

test('the picture names every site, rule, signal, rung and policy', () => {
  const program = ready('small-site');
  const svg = drawPolicy(program, 'small-site');
  const names = [
    ...program.sites.map(({ name }) => name),
    ...program.rules.map(({ name }) => name),
    ...program.scores[0]!.signals.map(({ name }) => name),
    ...program.sites[0]!.ladder.map(({ policy }) => program.policies[policy]!.name),
  ];
  assert.ok(names.length > 10);
  for (const name of names) assert.ok(svg.includes(`>${name}</text>`), name);
  for (const range of ['0–39', '40–79', '80–100']) assert.ok(svg.includes(`>${range}</text>`), range);
});

test('a site that depends on a mode has a panel for each state', () => {
  const svg = drawPolicy(ready('under-attack'), 'under-attack');
  for (const state of ['normal', 'elevated', 'siege'])
    assert.match(svg, new RegExp(`posture ${state}</text>`));
});

test('the same policy gives the same picture', () => {
  assert.equal(drawPolicy(ready('honeypot'), 'x'), drawPolicy(ready('honeypot'), 'x'));
});

test('what a title holds cannot break out of it', () => {
  const svg = drawPolicy(compileText(BASE).program!, '</title><script>alert(1)</script>&"');
  assert.match(svg, /<title>&lt;\/title&gt;&lt;script&gt;alert\(1\)&lt;\/script&gt;&amp;&quot;<\/title>/);
  assert.doesNotMatch(svg, /<script>/);
});

const SKIP = await withoutChromium();

test('a browser reads the picture, and no text leaves it, however long the names', {
  skip: SKIP,
}, async (t) => {
  const long = 'a_very_long_name_that_goes_on_and_on_until_nobody_wants_to_read_it_any_more';
  const text = BASE.replaceAll('base', long)
    .replaceAll('high', `high_${long}`)
    .replace(
      'on_error use low\n}',
      `on_error use low\n  deny ${long} when conn.port == 1 do refuse alert unsupported_certificate\n}`,
    );
  const browser = await openBrowser(t);
  for (const program of [ready('under-attack'), ready('api-client-certs'), compileText(text).program!]) {
    const page = await browser.newPage();
    await page.setContent(`<body style="margin:0">${drawPolicy(program, 'test')}`);
    // why: evaluated in the page, where this file's types do not reach.
    const outside = await page.evaluate(`(() => {
      const svg = document.querySelector('svg').getBoundingClientRect();
      return [...document.querySelectorAll('text')]
        .filter((each) => {
          const { left, right } = each.getBoundingClientRect();
          return left < svg.left + 20 || right > svg.right - 20;
        })
        .map((each) => each.textContent);
    })()`);
    assert.deepEqual(outside, []);
    await page.close();
  }
});
