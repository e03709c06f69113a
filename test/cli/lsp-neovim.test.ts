import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { format } from '../../src/pdl/format/format.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SCRIPT = fileURLToPath(new URL('neovim.lua', import.meta.url));
const POLICY = new URL('../../policies/three-tiers.pdl', import.meta.url);
const SKIP = spawnSync('nvim', ['--version']).status === 0 ? false : 'no nvim command here';

test('Neovim shows findings, completes, mends, explains, renames, formats and runs tests', {
  skip: SKIP,
}, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-nvim-'));
  try {
    const policy = join(directory, 'policy.pdl');
    const text = readFileSync(POLICY, 'utf8');
    writeFileSync(policy, text.replace('on_error use medium', 'on_error use mediun'));
    const env = { ...process.env, HOME: directory, NODE: process.execPath, MAIN, POLICY: policy };
    const args = ['--headless', '-u', 'NONE', '-i', 'NONE', '-n', '-S', SCRIPT];
    const { stdout, stderr } = spawnSync('nvim', args, {
      cwd: directory,
      env,
      encoding: 'utf8',
      timeout: 60_000,
    });
    assert.ok(stdout.startsWith('{'), stdout + stderr);
    const found = JSON.parse(stdout);
    assert.equal(found.error.code, 'PDL-N001');
    assert.ok(found.completions.includes('medium') && found.completions.includes('tls.modern'));
    assert.equal(found.fix, 'write `medium`');
    assert.match(found.hover, /\+15 points of a score from 0 to 100, in group `shape`/);
    assert.match(text.split('\n')[found.definition - 1]!, /^policy medium/);
    const renamed = text.replaceAll(/\bmedium\b/g, 'middle');
    assert.equal(found.text, format('policy.pdl', `${renamed}\ndefine spare = not client.cleared\n`).text);
    assert.equal(found.lenses, 2);
    assert.deepEqual(found.run, [{ name: 'an ordinary browser walks in', passed: true, differences: [] }]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
