import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commentsOf, formatTable, mergeRows } from '../../scripts/capture/merge.ts';
import { type ClientRow, parseClients } from '../../src/profile/clients.ts';

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
