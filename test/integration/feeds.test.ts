import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { NOTHING_ACCEPTED } from '../../src/intel/guards.ts';
import type { Refreshed } from '../../src/intel/refresh.ts';
import { prefixLines } from '../intel/support.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge } from '../support/edge.ts';
import { freePort } from '../support/ocsp.ts';
import { until } from '../support/until.ts';
import { serveList } from './list-server.ts';

const GOOD = prefixLines(40);
/** The client of these tests, as the edge sees it: a poisoned list that got through would turn it away. */
const BAIT = '127.0.0.1/32';

function policyWith(url: string, refresh: string): string {
  return ACTIONS_POLICY.replace(
    'feed blocked of cidr from file "blocked.txt" { }',
    `feed blocked of cidr from url "${url}" { refresh ${refresh} }`,
  );
}

/** The policy that served a request, or null when the handshake was refused. @param from Whom a proxy says it is. */
async function visit({ port, ca }: TestEdge, from?: string): Promise<string | null> {
  const socket = connect({ port, host: '127.0.0.1' });
  if (from !== undefined) socket.write(`PROXY TCP4 ${from} 203.0.113.1 4711 443\r\n`);
  const client = tlsConnect({ socket, servername: 'localhost', ca });
  try {
    await once(client, 'secureConnect');
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [data] = (await once(client, 'data')) as [Buffer];
    return /"x-sallyport-policy":"(\w+)"/.exec(data.toString())?.[1] ?? '';
  } catch {
    return null;
  } finally {
    client.destroy();
  }
}

/** The twelve ways to poison a list, and what is said of each. */
const POISONED: readonly (readonly [what: string, body: string | Uint8Array, reason: RegExp])[] = [
  ['all of IPv4', `${GOOD}0.0.0.0/0\n`, /holds 0\.0\.0\.0\/0, a very large part/],
  ['all of IPv6', `${GOOD}::/0\n`, /holds ::\/0, a very large part/],
  ['10.0.0.0/8', `${GOOD}10.0.0.0/8\n`, /holds 10\.0\.0\.0\/8, a private network/],
  ['172.16.0.0/12', `${GOOD}172.16.0.0/12\n`, /holds 172\.16\.0\.0\/12, a private network/],
  ['192.168.0.0/16', `${GOOD}192.168.0.0/16\n`, /holds 192\.168\.0\.0\/16, a private network/],
  ['an address of this machine', `${GOOD}${BAIT}\n`, /holds 127\.0\.0\.1\/32, a private network/],
  [
    'an own network',
    `${GOOD}198.51.100.0/25\n`,
    /198\.51\.100\.0\/25, which overlaps an address of your own/,
  ],
  ['a /1', `${GOOD}128.0.0.0/1\n`, /holds 128\.0\.0\.0\/1, a very large part/],
  ['ten times the size', prefixLines(400), /grew from 40 to 400 members/],
  ['half the size', prefixLines(20), /shrank from 40 to 20 members/],
  ['binary', Uint8Array.from({ length: 2_000 }, (_, i) => (i * 37) & 255), /it is binary/],
  [
    'a page that says error',
    '<!DOCTYPE html><html><body>127.0.0.1 Service unavailable</body></html>',
    /a web page/,
  ],
];

interface Status {
  readonly policy: { readonly epoch: number };
  readonly feeds: readonly {
    readonly failures: number;
    readonly entries: number;
    readonly reason: string | null;
  }[];
}

const statusOf = ({ edge }: TestEdge): Status => edge.status() as Status;

for (const [what, body, reason] of POISONED) {
  test(`a list with ${what} is refused by an edge that goes on with the last good one`, async (t) => {
    const { list, url, ca } = await serveList(t, GOOD);
    const feeds = { ca, own: ['198.51.100.0/24'], directory: 'feeds' };
    const listener = { proxyProtocol: { from: ['127.0.0.1/32'], require: false } };
    const edge = await startTestEdge(t, { policy: policyWith(url, '1h'), feeds, listener });
    assert.equal(list.asked, 1, 'fetched before it listens');
    list.body = body;
    const refreshed = await edge.edge.feeds.refresh('blocked', NOTHING_ACCEPTED);
    assert.equal(list.asked, 2, 'fetched over the network');
    assert.equal(refreshed!.result, 'refused');
    assert.match(refreshed!.reason!, reason);
    const {
      policy,
      feeds: [feed],
    } = statusOf(edge);
    assert.deepEqual(
      [policy.epoch, feed!.entries, feed!.failures, feed!.reason],
      [1, 40, 1, refreshed!.reason],
    );
    assert.equal(await visit(edge), 'served');
    assert.equal(await visit(edge, '192.0.2.7'), 'served');
    assert.equal(await visit(edge, '45.0.39.7'), null, 'in the last good copy');
  });
}

test('a list is refreshed while the edge serves: a poisoned one never, an honest one once', async (t) => {
  const { list, url, ca } = await serveList(t, GOOD);
  const edge = await startTestEdge(t, { policy: policyWith(url, '1s'), feeds: { ca, directory: 'feeds' } });
  list.body = `${GOOD}0.0.0.0/0\n`;
  await until('it is refused', () => statusOf(edge).feeds[0]!.failures > 0);
  assert.equal(await visit(edge), 'served');
  assert.equal(statusOf(edge).policy.epoch, 1);
  list.body = `${GOOD}203.0.113.77\n`;
  await until('the honest list is in force', () => statusOf(edge).policy.epoch === 2);
  assert.deepEqual(statusOf(edge).feeds[0], { ...statusOf(edge).feeds[0]!, failures: 0, entries: 41 });
  const { asked } = list;
  await until('it was asked for again, twice', () => list.asked >= asked + 2);
  assert.equal(statusOf(edge).policy.epoch, 2, 'a list that changed is taken once');
});

/** More than a sample must have before it counts, since a few of them may share a place in it. */
const CLIENTS = 115;
const COVERS = /it covers (?:2\d|3[01]) of 1[01]\d clients that were served in the last hour/;

test('a list that would turn away many of the clients that are served is refused, and said so', async (t) => {
  const { list, url, ca } = await serveList(t, GOOD);
  const logged: string[] = [];
  const metricsPort = await freePort();
  const edge = await startTestEdge(t, {
    policy: policyWith(url, '1h'),
    feeds: { ca, directory: 'feeds' },
    listener: { proxyProtocol: { from: ['127.0.0.1/32'] } },
    config: { metrics: { address: `127.0.0.1:${metricsPort}` } },
    log: (line) => logged.push(line),
  });
  const refresh = (coverage = false): Promise<Refreshed | null> =>
    edge.edge.feeds.refresh('blocked', { ...NOTHING_ACCEPTED, coverage });
  const addresses = Array.from({ length: CLIENTS }, (_, i) => `198.51.100.${i + 1}`);
  for (let at = 0; at < CLIENTS; at += 10) {
    const visits = addresses.slice(at, at + 10).map((address) => visit(edge, address));
    assert.deepEqual(new Set(await Promise.all(visits)), new Set(['served']));
  }
  await until('all have ended', () => edge.open() === 0);

  list.body = `${GOOD}198.51.100.0/27\n`;
  const refused = await refresh();
  assert.equal(refused!.result, 'refused');
  assert.match(refused!.reason!, COVERS);
  assert.equal(await visit(edge, '198.51.100.7'), 'served');
  assert.equal(await visit(edge, '45.0.39.7'), null, 'the last good copy stays in force');
  assert.deepEqual([statusOf(edge).policy.epoch, statusOf(edge).feeds[0]!.entries], [1, 40]);
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  assert.match(metrics, /^sallyport_feed_refreshes_total\{feed="blocked",result="refused"\} 1$/m);
  assert.match(metrics, /^sallyport_feed_failures\{feed="blocked"\} 1$/m);
  assert.match(metrics, /^sallyport_feed_entries\{feed="blocked"\} 40$/m);
  assert.ok(logged.some((line) => line.includes('"feed":"blocked","result":"refused"') && COVERS.test(line)));

  list.body = `${GOOD}198.51.100.8/30\n`;
  assert.equal((await refresh())!.result, 'changed', 'a few of them may be bad');
  await until('it is in force', () => statusOf(edge).policy.epoch === 2);
  assert.equal(await visit(edge, '198.51.100.9'), null);
  assert.equal(await visit(edge, '198.51.100.7'), 'served');

  list.body = `${GOOD}198.51.100.0/27\n`;
  assert.equal((await refresh(true))!.result, 'changed', 'an operator may say that it is right');
  await until('it is in force too', () => statusOf(edge).policy.epoch === 3);
  assert.equal(await visit(edge, '198.51.100.7'), null);
});

test('what is never blocked is served, whatever a list holds', async (t) => {
  const { url, ca } = await serveList(t, GOOD);
  const edge = await startTestEdge(t, {
    policy: policyWith(url, '1h'),
    feeds: { ca, directory: 'feeds', neverBlock: ['45.0.7.128/25', '2001:db8::/32'] },
    listener: { proxyProtocol: { from: ['127.0.0.1/32'] } },
  });
  assert.equal(await visit(edge, '45.0.7.200'), 'served');
  assert.equal(await visit(edge, '45.0.7.9'), 'served', 'the member that overlaps it is left out');
  assert.equal(await visit(edge, '45.0.8.9'), null);
});
