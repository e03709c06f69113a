import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GENESIS, readLink } from '../../src/audit/chain.ts';
import { formatRecord } from '../../src/audit/format.ts';
import { verifyAuditLog } from '../../src/audit/verify.ts';
import { AuditWriter } from '../../src/audit/writer.ts';
import { makeRecord } from '../support/record.ts';

let directory: string;
let count = 0;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-audit-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

const newFile = (): string => join(directory, `${count++}.jsonl`);
const lines = (file: string): string[] => readFileSync(file, 'utf8').trimEnd().split('\n');

async function writeAll(file: string, texts: readonly string[], maxQueued = 100): Promise<AuditWriter> {
  const writer = new AuditWriter({ file, maxQueued });
  writer.write(texts);
  await writer.close();
  return writer;
}

test('a record becomes one line of JSON with ECS names', () => {
  const line = formatRecord(makeRecord());
  assert.ok(!line.includes('\n'));
  const parsed = JSON.parse(line);
  assert.equal(parsed['@timestamp'], '2026-11-23T10:00:00.000Z');
  assert.deepEqual(parsed.source, {
    ip: '203.0.113.7',
    port: 50_000,
    bytes: 100,
    geo: { country_iso_code: 'NL' },
    as: { number: 64_500, organization: { name: 'Example Networks' } },
  });
  assert.equal(parsed.tls.client.server_name, 'shop.example');
  assert.equal(parsed.tls.version, '1.3');
  assert.equal(parsed.risk.calculated_score, 35);
  assert.deepEqual(parsed.sallyport.parts, [{ name: 'tool', group: 'shape', points: 35 }]);
  assert.deepEqual(parsed.event.type, ['connection', 'allowed']);
  assert.equal(parsed.event.duration, 2_000_000);
});

test('a connection refused before its hello keeps the same keys', () => {
  const refused = makeRecord({ hello: null, tls: null, outcome: 'refused' });
  const keys = (value: object): string[] => Object.keys(value);
  const [a, b] = [JSON.parse(formatRecord(makeRecord())), JSON.parse(formatRecord(refused))];
  assert.deepEqual(keys(a), keys(b));
  assert.deepEqual(keys(a.sallyport), keys(b.sallyport));
  assert.deepEqual(keys(a.tls), keys(b.tls));
  assert.deepEqual(b.event.type, ['connection', 'denied']);
});

test('a line break and a quote in a server name stay inside their string', () => {
  const record = makeRecord();
  const line = formatRecord({ ...record, hello: { ...record.hello!, sni: 'a\n"},"chain":{' } });
  assert.equal(line.split('\n').length, 1);
  assert.equal(JSON.parse(line).tls.client.server_name, 'a\n"},"chain":{');
});

test('every line is chained to the one before', async () => {
  const file = newFile();
  await writeAll(file, ['{"a":1}', '{"a":2}', '{"a":3}']);
  const links = lines(file).map((line) => readLink(line)!);
  assert.deepEqual(
    links.map(({ sequence }) => sequence),
    [0, 1, 2],
  );
  assert.equal(links[0]!.previous, GENESIS);
  assert.equal(links[2]!.previous, links[1]!.hash);
  assert.ok(links.every(({ intact }) => intact));
  assert.deepEqual(Object.keys(JSON.parse(lines(file)[0]!)), ['a', 'chain']);
});

test('the chain continues after a restart', async () => {
  const file = newFile();
  await writeAll(file, ['{"a":1}', '{"a":2}']);
  await writeAll(file, ['{"a":3}']);
  assert.deepEqual(await verifyAuditLog(file), { lines: 3, lost: 0, brokenAt: null, reason: null });
  assert.equal(readLink(lines(file)[2]!)!.sequence, 2);
});

test('a line torn by a crash is cut off and counted as lost', async () => {
  const file = newFile();
  await writeAll(file, ['{"a":1}']);
  appendFileSync(file, '{"a":2,"cha');
  const writer = await writeAll(file, ['{"a":3}']);
  assert.equal(writer.lost, 1);
  assert.deepEqual(await verifyAuditLog(file), { lines: 2, lost: 0, brokenAt: null, reason: null });
});

test('lines beyond the queue are lost, counted, and leave a gap in the sequence', async () => {
  const file = newFile();
  const writer = new AuditWriter({ file, maxQueued: 2 });
  writer.write(['{"a":1}', '{"a":2}', '{"a":3}', '{"a":4}']);
  await new Promise<void>((resolve) => {
    const wait = (): unknown => (writer.queued === 0 ? resolve() : setImmediate(wait));
    wait();
  });
  writer.write(['{"a":5}']);
  await writer.close();
  assert.deepEqual([writer.written, writer.lost], [3, 2]);
  assert.deepEqual(await verifyAuditLog(file), { lines: 3, lost: 2, brokenAt: null, reason: null });
});

test('after a rotation the chain runs on in the new file', async () => {
  const file = newFile();
  const writer = new AuditWriter({ file, maxQueued: 100 });
  writer.write(['{"a":1}']);
  renameSync(file, `${file}.1`);
  writer.reopen();
  writer.write(['{"a":2}']);
  await writer.close();
  const first = readLink(lines(`${file}.1`).at(-1)!)!;
  assert.equal(readLink(lines(file)[0]!)!.previous, first.hash);
});

test('a changed line is found', async () => {
  const file = newFile();
  await writeAll(file, ['{"a":1}', '{"a":2}', '{"a":3}']);
  writeFileSync(file, readFileSync(file, 'utf8').replace('{"a":2', '{"a":9'));
  const { brokenAt, reason } = await verifyAuditLog(file);
  assert.equal(brokenAt, 2);
  assert.match(reason!, /changed/);
});

test('a removed line is found', async () => {
  const file = newFile();
  await writeAll(file, ['{"a":1}', '{"a":2}', '{"a":3}']);
  const [first, , third] = lines(file);
  writeFileSync(file, `${first}\n${third}\n`);
  assert.equal((await verifyAuditLog(file)).brokenAt, 2);
});

test('a disk that takes nothing loses lines without blocking or throwing', async (t) => {
  const errors: Error[] = [];
  let writer: AuditWriter;
  try {
    writer = new AuditWriter({ file: '/dev/full', maxQueued: 2, onError: (error) => errors.push(error) });
  } catch {
    return t.skip('no /dev/full here');
  }
  writer.write(['{"a":1}', '{"a":2}', '{"a":3}']);
  await writer.close();
  assert.equal(writer.lost, 3);
  assert.equal(errors.length, 1);
});

test('a file that cannot be opened throws at the start', () => {
  assert.throws(() => new AuditWriter({ file: directory, maxQueued: 1 }), { code: 'EISDIR' });
});
