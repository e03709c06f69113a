import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { briefOf, type ConnectionBrief } from '../../src/audit/brief.ts';
import { OUTCOMES } from '../../src/audit/record.ts';
import { painter } from '../../src/cli/style.ts';
import { draw } from '../../src/cli/watch/screen.ts';
import { Summary } from '../../src/cli/watch/summary.ts';
import { Top } from '../../src/cli/watch/top.ts';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { makeRecord } from '../support/record.ts';
import { sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';
import { MAIN } from './support.ts';

const BARS = '▁▂▃▄▅▆▇█';
const NOW = Date.UTC(2026, 10, 25, 12);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

interface Watched {
  readonly edge: TestEdge;
  readonly child: ChildProcess;
  /** What the verb has printed. */
  output(): string;
}

async function watch(t: TestContext, ...args: readonly string[]): Promise<Watched> {
  const adminPort = await freePort();
  const edge = await startTestEdge(t, { adminPort, threads: 1 });
  const target = [
    ...['--admin-address', `127.0.0.1:${adminPort}`],
    ...['--token-file', join(edge.directory, '.sallyport/admin.token')],
  ];
  const child = spawn(process.execPath, [MAIN, 'watch', ...target, ...args]);
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  }
  return { edge, child, output: () => output };
}

test('each connection is a line of JSON, and Ctrl-C ends it with 0', async (t) => {
  const { edge, child, output } = await watch(t, '--format', 'json');
  await until('it watches', () => output().includes('"status"'));
  await sClient(edge.port, '-servername', 'refused.test');
  await until('the refusal is told', () => output().includes('"connection"'));
  const lines = output().split('\n').slice(0, -1);
  const told = lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'connection');
  assert.equal(told.outcome, 'refused');
  assert.equal(told.sni, 'refused.test');
  assert.equal(told.alert, 'access_denied');
  child.kill('SIGINT');
  assert.deepEqual(await once(child, 'close'), [0, null]);
});

test('without a terminal it draws plain frames, and ends by itself after its time', async (t) => {
  const { edge, child, output } = await watch(t, '--format', 'human', '--seconds', '2.5');
  await until('it watches', () => output().includes('open'));
  await sClient(edge.port, '-servername', 'refused.test');
  assert.deepEqual(await once(child, 'close'), [0, null]);
  assert.equal(output(), stripVTControlCharacters(output()));
  assert.match(output(), /refused\.test/);
});

test('an edge that ends while it is watched is a problem', async (t) => {
  const { edge, child, output } = await watch(t, '--format', 'json');
  await until('it watches', () => output().includes('"status"'));
  const closed = once(child, 'close');
  await edge.edge.stop();
  assert.deepEqual(await closed, [1, null]);
  assert.match(output(), /the edge ended the stream/);
});

test('a time that is no number is wrong usage', async (t) => {
  const child = spawn(process.execPath, [MAIN, 'watch', '--seconds', 'soon']);
  t.after(() => child.kill('SIGKILL'));
  assert.deepEqual(await once(child, 'close'), [2, null]);
});

const text = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary', maxLength: 90 }));
const brief: fc.Arbitrary<ConnectionBrief> = fc
  .record({
    ip: fc.oneof(fc.ipV4(), fc.ipV6()),
    sni: fc.option(text),
    ja4: fc.option(text),
    policy: fc.option(text),
    outcome: fc.constantFrom(...OUTCOMES),
    score: fc.option(fc.integer({ min: -50, max: 150 })),
    matched: fc.array(text, { maxLength: 3 }),
    error: fc.option(text),
  })
  .map((changes) => ({ ...briefOf(makeRecord()), ...changes }));

test('whatever clients send, no line is wider than 80 columns and nothing but colour reaches the terminal', () => {
  fc.assert(
    fc.property(fc.array(brief, { maxLength: 80 }), fc.integer({ min: 1, max: 60 }), (briefs, rows) => {
      const summary = new Summary();
      for (const each of briefs) summary.add(each, NOW);
      const frame = draw(summary, rows, NOW, painter(true));
      assert.ok(frame.length <= Math.max(rows, 18));
      for (const line of frame) {
        const shown = [...stripVTControlCharacters(line)];
        assert.ok(shown.length <= 80, `${shown.length}: ${line}`);
        assert.ok(
          shown.every(
            (character) =>
              character === '…' || (character >= ' ' && character <= '\u007e') || BARS.includes(character),
          ),
        );
      }
    }),
  );
});

test('without colour there is no escape at all', () => {
  const summary = new Summary();
  summary.add(briefOf(makeRecord({ outcome: 'refused' })), NOW);
  assert.ok(draw(summary, 40, NOW, painter(false)).every((line) => !line.includes('\u001b')));
});

test('the rate is that of the last ten seconds', () => {
  const summary = new Summary();
  for (let i = 0; i < 30; i++) summary.add(briefOf(makeRecord()), NOW + i * 1_000);
  assert.equal(summary.rate(NOW + 29_000), 1);
  assert.equal(summary.rate(NOW + 34_000), 0.5);
  assert.equal(summary.rate(NOW + 60_000), 0);
});

test('scores fall into ten classes, and what lies outside into the nearest', () => {
  const summary = new Summary();
  for (const score of [-5, 0, 9, 10, 99, 100, 130]) summary.add({ ...briefOf(makeRecord()), score }, NOW);
  assert.deepEqual(summary.scores, [3, 1, 0, 0, 0, 0, 0, 0, 0, 3]);
});

test('the frequent ones are found among more texts than are kept', () => {
  const top = new Top(20);
  for (let i = 0; i < 5_000; i++) {
    top.add(`rare ${i}`);
    if (i % 3 === 0) top.add('often');
    if (i % 5 === 0) top.add('less often');
  }
  assert.deepEqual(
    top.first(2).map(([name]) => name),
    ['often', 'less often'],
  );
});
