import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { jsonLines, Workspace } from './support.ts';

let workspace = new Workspace();
const made = [workspace];
beforeEach(() => {
  workspace = new Workspace();
  made.push(workspace);
});
after(() => {
  for (const each of made) each.remove();
});

test('new lists the ready policies with a sentence each', () => {
  const { status, stdout } = workspace.sallyport(['new']);
  assert.equal(status, 0);
  for (const name of [
    'small-site',
    'api-client-certs',
    'under-attack',
    'honeypot',
    'internal-mtls',
    'three-tiers',
  ]) {
    assert.match(stdout, new RegExp(`^${name} +[A-Z].*\\.$`, 'm'));
  }
});

test('new writes a policy whose tests hold where it stands, with its feeds and a key', () => {
  const { status, stdout } = workspace.sallyport(['new', 'small-site', 'edge/policy.pdl']);
  assert.equal(status, 0);
  assert.match(stdout, /sallyport test edge\/policy\.pdl/);
  const key = join(workspace.directory, 'edge/.sallyport/puzzle.key');
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.ok(readFileSync(key).length >= 32);
  const checked = workspace.sallyport(['check', 'edge/policy.pdl']);
  assert.deepEqual([checked.status, jsonLines(checked.stdout)], [0, []]);
});

test('new keeps what is there', () => {
  const file = join(workspace.directory, 'honeypot.pdl');
  writeFileSync(file, 'mine');
  const { status, stdout } = workspace.sallyport(['new', 'honeypot']);
  assert.equal(status, 0);
  assert.match(stdout, /kept honeypot\.pdl, which exists/);
  assert.equal(readFileSync(file, 'utf8'), 'mine');
});

test('new suggests a name that is close, and a wrong one is wrong usage', () => {
  const { status, stderr } = workspace.sallyport(['new', 'honypot']);
  assert.equal(status, 2);
  assert.match(stderr, /did you mean honeypot\?/);
  assert.equal(workspace.sallyport(['new', '../three-tiers']).status, 2);
});

test('a folder that cannot be written is one line, and exit code 1', () => {
  writeFileSync(join(workspace.directory, 'file'), '');
  const { status, stderr } = workspace.sallyport(['new', 'small-site', 'file/policy.pdl']);
  assert.equal(status, 1);
  assert.match(stderr, /^sallyport: cannot write file\/policy\.pdl: .*\n$/);
});
