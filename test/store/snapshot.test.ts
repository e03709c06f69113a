import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { ClearanceTable } from '../../src/limit/clearance-table.ts';
import { HistoryTable } from '../../src/limit/history-table.ts';
import { type Key, KeyHasher } from '../../src/limit/key.ts';
import { readSnapshot, restoreTable, type Snapshot, saveSnapshot } from '../../src/store/snapshot.ts';

const SEED = Uint8Array.from({ length: 16 }, (_, i) => i);
const DAY = 86_400_000;
const COUNT = 10_000;

function place(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-snapshot-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'deep', 'history.db');
}

const hasher = new KeyHasher(SEED);

function key(index: number): Key {
  hasher.begin(0);
  hasher.number(index);
  hasher.end();
  return { hi: hasher.hi, lo: hasher.lo };
}

function filled(nowMs: number, count = COUNT): HistoryTable {
  const clients = new HistoryTable(HistoryTable.allocate(16 * COUNT), DAY);
  for (let i = 1; i <= count; i++) clients.add(key(i), 'handshakes', nowMs, 1 + (i % 7));
  return clients;
}

async function save(file: string, clients: HistoryTable): Promise<number> {
  return saveSnapshot(file, { seed: SEED, windowMs: DAY, tables: { clients: clients.table } });
}

test('what was saved is read back, count for count', async (t) => {
  const file = place(t);
  const now = Date.now();
  const clients = filled(now);
  assert.equal(await save(file, clients), COUNT);
  const snapshot = readSnapshot(file) as Snapshot;
  assert.deepEqual(Buffer.from(snapshot.seed), Buffer.from(SEED));
  const back = new HistoryTable(HistoryTable.allocate(16 * COUNT), DAY);
  assert.equal(restoreTable(snapshot, 'clients', back.table, now), COUNT);
  for (let i = 1; i <= COUNT; i++) assert.deepEqual(back.read(key(i), now), clients.read(key(i), now));
});

test('a snapshot is for its owner alone, and its draft is gone', async (t) => {
  const file = place(t);
  await save(file, filled(Date.now(), 5));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(existsSync(`${file}.new`), false);
});

test('what expired while the process was away does not come back', async (t) => {
  const file = place(t);
  const now = Date.now();
  const table = new ClearanceTable(ClearanceTable.allocate(64));
  table.clear({ hi: 1, lo: 1 }, now + 60_000, now);
  table.clear({ hi: 2, lo: 2 }, now + 3_600_000, now);
  await saveSnapshot(file, { seed: SEED, windowMs: DAY, tables: { clearances: table.table } });
  const back = new ClearanceTable(ClearanceTable.allocate(64));
  assert.equal(
    restoreTable(readSnapshot(file) as Snapshot, 'clearances', back.table, Date.now() + 120_000),
    1,
  );
  assert.equal(back.isCleared({ hi: 2, lo: 2 }, now + 120_000), true);
});

test('a table that became smaller takes what fits', async (t) => {
  const file = place(t);
  const now = Date.now();
  await save(file, filled(now));
  const small = new HistoryTable(HistoryTable.allocate(1_024), DAY);
  assert.ok(restoreTable(readSnapshot(file) as Snapshot, 'clients', small.table, now) < COUNT);
  assert.equal(small.table.used, 1_024);
});

test('without a file there is no snapshot', (t) => {
  assert.equal(readSnapshot(place(t)), null);
});

test('a snapshot with a damaged byte is refused as a whole, or the byte did not matter', async (t) => {
  const file = place(t);
  const now = Date.now();
  await save(file, filled(now, 300));
  const whole = readSnapshot(file);
  const bytes = readFileSync(file);
  let refused = 0;
  for (let at = 13; at < bytes.length; at += 397) {
    const damaged = Buffer.from(bytes);
    damaged[at]! ^= 0x10;
    writeFileSync(file, damaged);
    const read = readSnapshot(file);
    if (typeof read === 'string') refused++;
    else assert.deepEqual({ ...read, savedAtMs: 0 }, { ...(whole as Snapshot), savedAtMs: 0 }, `byte ${at}`);
  }
  assert.ok(refused > 40, `${refused} refused`);
});

test('a snapshot that was cut off is refused', async (t) => {
  const file = place(t);
  await save(file, filled(Date.now()));
  writeFileSync(file, readFileSync(file).subarray(0, 10_000));
  assert.equal(typeof readSnapshot(file), 'string');
});

test('a file that is no snapshot is refused', async (t) => {
  const file = place(t);
  await save(file, filled(Date.now(), 1));
  for (const content of ['', 'not a database at all, but long enough to be looked at as one'.repeat(10)]) {
    writeFileSync(file, content);
    assert.equal(typeof readSnapshot(file), 'string');
  }
});

test('a snapshot of another version is refused', async (t) => {
  const file = place(t);
  await save(file, filled(Date.now(), 1));
  const database = new DatabaseSync(file);
  database.exec('UPDATE meta SET version = 2');
  database.close();
  assert.match(readSnapshot(file) as string, /version 2/);
});

test('a snapshot that cannot be written leaves the one before', async (t) => {
  const file = place(t);
  await save(file, filled(Date.now(), 3));
  const before = readFileSync(file);
  const broken = {
    ...filled(Date.now(), 3).table,
    slots: 64,
    entries: () => assert.fail('the disk is full'),
  };
  await assert.rejects(
    saveSnapshot(file, { seed: SEED, windowMs: DAY, tables: { clients: broken as never } }),
  );
  assert.deepEqual(readFileSync(file), before);
});
