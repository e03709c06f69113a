import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadFeeds } from '../../src/orchestrator/feeds.ts';
import { compile } from '../../src/pdl/compile/compile.ts';
import { BASE } from '../pdl/support.ts';

/** The findings of a blocklist with these lines, as line and code. */
function findings(lines: readonly string[], rule: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-feeds-'));
  try {
    writeFileSync(join(folder, 'bad.txt'), lines.join('\n'));
    const text = `${BASE.slice(0, -2)}  ${rule}\n}\nfeed bad of cidr from file "bad.txt" { }\n`;
    const { program } = compile({ path: join(folder, 'x.pdl'), text }, () => null);
    assert.ok(program);
    return loadFeeds(program, 'serve', null).diagnostics.map(({ line, code }) => `${line} ${code}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const LINES = ['203.0.113.0/24', '0.0.0.0/0', '10.1.2.0/24', 'fe80::/64', '128.0.0.0/7', '2001:db8::/32'];

test('a blocklist that turns away half of the internet, or the own network, is pointed at', () => {
  assert.deepEqual(findings(LINES, 'deny x when conn.ip in bad do drop'), [
    '2 PDL-F002',
    '3 PDL-F002',
    '4 PDL-F002',
  ]);
});

test('the same list may exempt', () => {
  assert.deepEqual(findings(LINES, '@why "all" exempt x when conn.ip in bad use low'), []);
});
