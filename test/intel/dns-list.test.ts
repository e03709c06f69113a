import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DnsClient } from '../../src/intel/dns-client.ts';
import { DnsList, questionFor } from '../../src/intel/dns-list.ts';
import { parseIp } from '../../src/pdl/ip.ts';
import { type Asked, type DnsReply, NO_SUCH_NAME, SERVER_FAILURE, startDns } from '../support/dns-server.ts';
import { makeFeed } from './support.ts';

const BAD = parseIp('192.0.2.1')!;
const GOOD = parseIp('198.51.100.1')!;

/** A list that works and has 192.0.2.1. */
function working({ name }: Asked): DnsReply {
  return ['2.0.0.127.bl.example', '1.2.0.192.bl.example'].includes(name)
    ? { records: ['127.0.0.2'], ttl: 120 }
    : NO_SUCH_NAME;
}

async function makeList(t: TestContext, answer: (asked: Asked) => DnsReply = working) {
  const server = await startDns(t, answer);
  const client = new DnsClient([server.address]);
  const list = new DnsList(makeFeed({ source: 'dnsbl', path: 'bl.example', refreshMs: 60_000 }), client);
  t.after(() => {
    list.close();
    client.close();
  });
  return { server, list };
}

test('addresses are asked about as RFC 5782 says', () => {
  assert.equal(questionFor(BAD, true, 'bl.example'), '1.2.0.192.bl.example');
  assert.equal(
    questionFor(parseIp('2001:db8:1:2:3:4:567:89ab')!, false, 'ugly.example.com'),
    'b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com',
  );
});

test('a list says who is listed, for the time that its answer is good', async (t) => {
  const { list, server } = await makeList(t);
  assert.equal(await list.check(), null);
  assert.deepEqual(await list.ask(BAD, true), { isListed: true, lifetimeMs: 120_000 });
  assert.deepEqual(await list.ask(GOOD, true), { isListed: false, lifetimeMs: 60_000 });
  assert.ok(server.asked.every(({ type }) => type === 'A'));
  assert.deepEqual(list.health.results, { listed: 1, not_listed: 1, failed: 0, dropped: 0 });
});

test('a time to live is neither shorter than half a minute nor longer than a day', async (t) => {
  let ttl = 0;
  const { list } = await makeList(t, (asked) => {
    const reply = working(asked);
    return typeof reply === 'object' && 'records' in reply ? { ...reply, ttl } : reply;
  });
  await list.check();
  assert.equal((await list.ask(BAD, true))!.lifetimeMs, 30_000);
  ttl = 2_000_000;
  assert.equal((await list.ask(BAD, true))!.lifetimeMs, 86_400_000);
});

for (const [what, answer, problem] of [
  ['lists nothing', () => NO_SUCH_NAME, /does not list its test point/],
  ['lists everything', () => ({ records: ['127.0.0.2'] }), /lists 127\.0\.0\.1/],
  [
    'refuses the resolver',
    () => ({ records: ['127.255.255.254'] }),
    /refuses the resolver \(127\.255\.255\.254\)/,
  ],
  ['was taken over', () => ({ records: ['203.0.113.80'] }), /203\.0\.113\.80 is none of a list/],
  ['fails', () => SERVER_FAILURE, /ESERVFAIL/],
] as const) {
  test(`a list that ${what} is not believed, and nobody is asked about`, async (t) => {
    const { list, server } = await makeList(t, answer as (asked: Asked) => DnsReply);
    assert.match((await list.check())!, problem);
    const { length } = server.asked;
    assert.equal(await list.ask(BAD, true), null);
    assert.equal(server.asked.length, length);
    assert.equal(list.health.results.dropped, 1);
  });
}

test('a list that comes to list everybody is found out after sixteen in a row', async (t) => {
  const { list, server } = await makeList(t);
  await list.check();
  server.answer = () => ({ records: ['127.0.0.2'] });
  const answers = [];
  for (let i = 0; i < 20; i++) answers.push(await list.ask(Uint8Array.of(...BAD.subarray(0, 15), i), true));
  assert.equal(answers.filter((answer) => answer?.isListed).length, 15);
  assert.match(list.health.problem!, /perhaps everything/);
});

test('many listed clients in a row are believed while the test points are right', async (t) => {
  const { list, server } = await makeList(t);
  await list.check();
  server.answer = (asked) =>
    asked.name === '1.0.0.127.bl.example' ? NO_SUCH_NAME : { records: ['127.0.0.2'] };
  for (let i = 0; i < 40; i++)
    assert.ok((await list.ask(Uint8Array.of(...BAD.subarray(0, 15), i), true))?.isListed);
});

test('a list that fails for one client is asked about the next, and left alone after five failures', async (t) => {
  const { list, server } = await makeList(t);
  await list.check();
  server.answer = () => SERVER_FAILURE;
  for (let i = 0; i < 8; i++) assert.equal(await list.ask(BAD, true), null);
  assert.equal(list.health.results.failed, 5);
  assert.equal(list.health.results.dropped, 3);
});

test('no more than 64 questions are under way, and those beyond 1,024 more are dropped', async (t) => {
  const { list, server } = await makeList(t);
  await list.check();
  const before = server.asked.length;
  const held: (() => void)[] = [];
  server.answer = () => 'silence';
  const asked = Array.from({ length: 1_200 }, (_, i) =>
    list.ask(Uint8Array.of(...BAD.subarray(0, 14), i >> 8, i & 255), true),
  );
  await Promise.race(asked);
  assert.deepEqual(held, []);
  assert.equal(list.health.results.dropped, 1_200 - 64 - 1_024);
  assert.ok(server.asked.length - before <= 64, String(server.asked.length - before));
  list.close();
});
