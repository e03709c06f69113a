import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** A copy of what the build reads, so that a failing build cannot take the working addon away. */
const copy = mkdtempSync(join(tmpdir(), 'sallyport-addon-'));
for (const path of ['native', 'binding.gyp', 'package.json', 'scripts']) {
  cpSync(join(root, path), join(copy, path), { recursive: true });
}
symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
after(() => rmSync(copy, { recursive: true }));

function install(env: NodeJS.ProcessEnv, ...args: string[]): { status: number | null; printed: string } {
  const script = join(copy, 'scripts/install-addon.mjs');
  const run = spawnSync(process.execPath, [script, ...args], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status: run.status, printed: `${run.stdout}${run.stderr}` };
}

const broken = { CXX: '/bin/false', CC: '/bin/false' };

describe('the addon at npm install', () => {
  it('says in one line what is lost when the compiler is broken, and lets the install go on', () => {
    const { status, printed } = install(broken);
    assert.equal(status, 0);
    assert.match(printed, /^sallyport: the native addon was not built \(.+\): no SYN facts.*\n$/);
  });

  it('fails with --required when the compiler is broken', () => {
    assert.equal(install(broken, '--required').status, 1);
  });

  it('is skipped in silence with SALLYPORT_SKIP_ADDON=1', () => {
    assert.deepEqual(install({ ...broken, SALLYPORT_SKIP_ADDON: '1' }), { status: 0, printed: '' });
  });
});
