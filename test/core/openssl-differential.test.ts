import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, test } from 'node:test';
import type { SecureContext } from 'node:tls';
import { STATUSES } from '../../src/core/layout.gen.ts';
import { mutate, Random, type Sample, seedHellos } from '../fuzz/mutate.ts';
import { answerOfCore } from '../support/hello-answers.ts';
import { helloMessage, inRecords, serverName, u16, vector } from '../support/hello-bytes.ts';
import { askOpenssl, permissiveContext } from '../support/openssl.ts';
import { RawCore } from '../support/raw-core.ts';
import { missing, readLines } from '../support/shared-data.ts';

const HELLOS = 'hellos-dev.jsonl';
const HOSTILE = 'fuzz/hostile-wire-dev.jsonl.gz';
const MUTATIONS = 2_500;
const LONGEST = 2_500;
const DOCUMENT = new URL('../../docs/strictness.md', import.meta.url);
/** The two had nothing in common, but OpenSSL could read the hello. */
const NEGOTIATION = new Set([40, 70, 71, 86, 109, 112, 120].map((alert) => `alert ${alert}`));

const core = new RawCore('scalar');
let context: SecureContext;

before(async () => {
  context = await permissiveContext();
});

function statusOf(bytes: Uint8Array): string {
  return answerOfCore(core, bytes, 'records', 'tls').split('\n', 1)[0]!;
}

/** Rows of the table under a heading of the document, as cells without their code marks. */
function rowsUnder(heading: string): string[][] {
  const section = readFileSync(DOCUMENT, 'utf8').split(`## ${heading}\n`)[1]!.split('\n## ')[0]!;
  const lines = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (first|core) /.test(line));
  return lines.map((line) =>
    line
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.replaceAll('`', '')),
  );
}

type Class = 'reads' | 'refuses' | 'waits';

async function opensslClass(bytes: Uint8Array): Promise<Class> {
  const answer = await askOpenssl(context, bytes);
  if (answer === 'waits') return 'waits';
  return answer === 'accepts' || NEGOTIATION.has(answer) ? 'reads' : 'refuses';
}

function coreClass(status: string): Class {
  if (status === 'complete') return 'reads';
  return status === 'need_more' ? 'waits' : 'refuses';
}

async function assertExplained(samples: readonly Uint8Array[]): Promise<void> {
  const explained = new Set(
    rowsUnder('Where the two differ, and why').map(([ours, theirs]) => `${ours} ${theirs}`),
  );
  for (const bytes of samples) {
    const ours = statusOf(bytes);
    const theirs = await opensslClass(bytes);
    if (coreClass(ours) === theirs) continue;
    const hex = Buffer.from(bytes).toString('hex');
    assert.ok(explained.has(`${ours} ${theirs}`), `core: ${ours}, OpenSSL ${theirs}: ${hex}`);
  }
}

const HELLO = inRecords(helloMessage({ ciphers: [0xc02b], extensions: [[10, Buffer.from([0, 2, 0, 23])]] }));

function hello(extensions: readonly (readonly [number, Uint8Array])[]): Buffer {
  return inRecords(
    helloMessage({ ciphers: [0xc02b], extensions: [[10, Buffer.from([0, 2, 0, 23])], ...extensions] }),
  );
}

function withVersion(version: number): Buffer {
  return Buffer.concat([Buffer.from([22]), u16(version), HELLO.subarray(3)]);
}

function framedAsSslv2(): Buffer {
  const suites = Buffer.from([0, 0xc0, 0x2b]);
  const body = Buffer.concat([Buffer.from([1, 3, 1]), u16(3), u16(0), u16(16), suites, Buffer.alloc(16, 5)]);
  return Buffer.concat([Buffer.from([0x80, body.length]), body]);
}

function unknown(count: number): [number, Uint8Array][] {
  return Array.from({ length: count }, (_, i) => [0x4100 + i, new Uint8Array(0)]);
}

const EMPTY_RECORD = Buffer.from([22, 3, 1, 0, 0]);
const FLIGHTS: Readonly<Record<string, Buffer>> = {
  'one byte a record': inRecords(HELLO.subarray(5), new Array(HELLO.length).fill(1)),
  'record version 0x0300': withVersion(0x0300),
  'record version 0x0505': withVersion(0x0505),
  'an empty handshake record first': Buffer.concat([EMPTY_RECORD, HELLO]),
  '40 empty handshake records': Buffer.concat([...new Array<Buffer>(40).fill(EMPTY_RECORD), HELLO]),
  'a ChangeCipherSpec first': Buffer.concat([Buffer.from([20, 3, 1, 0, 1, 1]), HELLO]),
  'a warning alert first': Buffer.concat([Buffer.from([21, 3, 1, 0, 2, 1, 0]), HELLO]),
  'two hellos in one record': inRecords(Buffer.concat([HELLO.subarray(5), HELLO.subarray(5)])),
  '100 unknown extensions': hello(unknown(100)),
  '1,000 unknown extensions': hello(unknown(1_000)),
  'an unknown extension twice': hello([
    [0x4100, new Uint8Array(0)],
    [0x4100, new Uint8Array(0)],
  ]),
  'server_name twice': hello([
    [0, serverName('a.test')],
    [0, serverName('a.test')],
  ]),
  'an empty host name': hello([[0, serverName('')]]),
  'a host name with a NUL': hello([[0, serverName('a\0.test')]]),
  'a host name of 256 bytes': hello([[0, serverName('a'.repeat(256))]]),
  'SSL 2.0 framing': framedAsSslv2(),
  '131,397 bytes announced': Buffer.concat([
    Buffer.from([22, 3, 1]),
    vector(2, Buffer.from([1, 2, 1, 0x45]), Buffer.alloc(100)),
  ]),
  'plain HTTP': Buffer.from('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'),
};

for (const [flight, bytes] of Object.entries(FLIGHTS)) {
  test(`${flight}: both answer as documented`, async () => {
    const row = rowsUnder('First flights that are no ordinary hello').find(([name]) => name === flight);
    assert.ok(row, 'it stands in docs/strictness.md');
    assert.deepEqual([flight, await askOpenssl(context, bytes), statusOf(bytes)], row);
  });
}

test('every first flight of the document is tried', () => {
  const documented = rowsUnder('First flights that are no ordinary hello').map(([name]) => name!);
  assert.deepEqual(documented, Object.keys(FLIGHTS));
});

test('every status of the document exists', () => {
  const names = new Set([...STATUSES.values()].map(({ name }) => name)).add('complete');
  for (const [status] of rowsUnder('Where the two differ, and why')) assert.ok(names.has(status!), status!);
});

test('OpenSSL reads what the core reads: damaged hellos', async () => {
  const random = new Random(11);
  const corpus = seedHellos().filter(({ form, proto }) => form === 'records' && proto === 'tls');
  await assertExplained(Array.from({ length: MUTATIONS }, () => mutate(random, corpus).bytes));
});

test('OpenSSL reads what the core reads: real hellos, whole and damaged', {
  skip: missing(HELLOS),
}, async () => {
  const real = readLines(HELLOS)
    .filter(({ proto }) => proto !== 'dtls')
    .map((row) => inRecords(Buffer.from(row.handshake_hex, 'hex')));
  await assertExplained(real);
  const corpus: Sample[] = real
    .filter(({ length }) => length < LONGEST)
    .map((bytes) => ({ bytes, form: 'records', proto: 'tls' }));
  const random = new Random(13);
  await assertExplained(Array.from({ length: MUTATIONS }, () => mutate(random, corpus).bytes));
});

test('OpenSSL reads what the core reads: hostile streams', { skip: missing(HOSTILE) }, async () => {
  await assertExplained(readLines(HOSTILE).map((row) => Buffer.from(row.wire_hex, 'hex')));
});
