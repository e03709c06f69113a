import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SiteTable } from '../../src/orchestrator/sites.ts';
import type { Site } from '../../src/pdl/ir.ts';

function site(name: string, sni: Site['sni'], listeners: readonly string[] = ['edge']): Site {
  return { name, listeners, sni, score: 0, ladder: [], rules: [], limits: [], onError: 0 };
}

const table = new SiteTable([
  site('exact', ['shop.example']),
  site('narrow', ['*.api.shop.example']),
  site('wide', ['*.shop.example']),
  site('none', 'none'),
  site('any', 'any'),
  site('other', 'any', ['internal']),
]);

test('an exact name beats every wildcard', () => assert.equal(table.find('edge', 'shop.example'), 0));
test('the longest wildcard wins', () => assert.equal(table.find('edge', 'v1.api.shop.example'), 1));
test('a wildcard covers several labels', () => assert.equal(table.find('edge', 'a.b.shop.example'), 2));
test('a wildcard does not cover its own parent', () =>
  assert.equal(table.find('edge', 'api.shop.example'), 2));
test('a hello without a name goes to the site for none', () => assert.equal(table.find('edge', null), 3));
test('an unclaimed name goes to the site for any', () =>
  assert.equal(table.find('edge', 'elsewhere.example'), 4));
test('a listener sees only its own sites', () => assert.equal(table.find('internal', 'shop.example'), 5));
test('an unknown listener has no site', () => assert.equal(table.find('nowhere', 'shop.example'), -1));
test('without sites for none or any a nameless hello has no site', () => {
  assert.equal(new SiteTable([site('exact', ['shop.example'])]).find('edge', null), -1);
});
