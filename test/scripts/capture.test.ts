import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { commentsOf, formatTable, mergeRows } from '../../scripts/capture/merge.ts';
import { type ClientRow, parseClients } from '../../src/profile/clients.ts';
import { missing } from '../support/tools.ts';

const row = (more: Partial<ClientRow> = {}): ClientRow => ({
  ja4: 't13d3112h2_e8f1e7e78f70_b26ce05bbdd6',
  name: 'curl',
  kind: 'tool',
  versions: '7.88',
  library: 'OpenSSL',
  seen: '2026-01-01',
  stable: '375ca2c5e164',
  source: 'first',
  ...more,
});

test('a hello seen again widens the versions, and keeps the last day and source', () => {
  const merged = mergeRows([row()], [row({ versions: '8.5', seen: '2026-02-02', source: 'second' })]);
  assert.deepEqual(merged, [row({ versions: '7.88-8.5', seen: '2026-02-02', source: 'second' })]);
  const earlier = mergeRows(merged, [row({ versions: '7.9', seen: '2025-01-01', source: 'third' })]);
  assert.deepEqual(earlier, [row({ versions: '7.9-8.5', seen: '2026-02-02', source: 'second' })]);
});

test('the same capture taken twice leaves the table as it is', () => {
  const once = mergeRows([], [row(), row({ name: 'wrk' }), row({ library: 'NSS' })]);
  assert.deepEqual(mergeRows(once, [row(), row({ name: 'wrk' }), row({ library: 'NSS' })]), once);
});

test('a scanner is not told by the hello that its library sends by itself', () => {
  const scanner = row({ name: 'scanner', kind: 'scanner' });
  const own = row({ name: 'scanner', kind: 'scanner', ja4: 't12i640300_a3acda31d846_c54f48fd7c65' });
  assert.deepEqual(mergeRows([], [scanner, own, row()]), [own, row()]);
});

test('what is written is read again, below the comments that stood there', () => {
  const rows = [row(), row({ ja4: 't12i640300_a3acda31d846_c54f48fd7c65', versions: null, library: null })];
  const text = formatTable(commentsOf('# one\n\n# two\nja4\n# three\n'), rows);
  assert.ok(text.startsWith('# one\n\n# two\nt13'));
  assert.deepEqual(parseClients('x.tsv', text).rows, rows);
});

const SCRIPT = fileURLToPath(new URL('../../scripts/capture-clients.ts', import.meta.url));

test('a client that is installed is captured, and the table stays as it is the second time', {
  skip: await missing('openssl'),
}, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-capture-'));
  const output = join(directory, 'clients.tsv');
  writeFileSync(output, '# ours\n');
  const capture = () =>
    spawnSync(process.execPath, [SCRIPT, 'openssl', '--output', output], { encoding: 'utf8' });
  const { status, stderr } = capture();
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^OpenSSL \S+ \(OpenSSL\): \d+ hellos$/m);
  const text = readFileSync(output, 'utf8');
  const { rows } = parseClients(output, text);
  assert.ok(text.startsWith('# ours\nt1'));
  assert.ok(
    rows!.length >= 2 && rows!.every(({ name, library }) => name === 'OpenSSL' && library === 'OpenSSL'),
  );
  assert.equal(capture().status, 0);
  assert.equal(readFileSync(output, 'utf8'), text);
  writeFileSync(output, 'no table\n');
  const refused = capture();
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /clients\.tsv:1:1: /);
  rmSync(directory, { recursive: true });
});
