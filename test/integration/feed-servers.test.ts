/** An edge whose feeds are real servers, as Debian packages them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { NOTHING_ACCEPTED } from '../../src/intel/guards.ts';
import { startCrowdSec } from '../support/crowdsec.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge } from '../support/edge.ts';
import { startRbldnsd } from '../support/rbldnsd.ts';
import { missing } from '../support/tools.ts';
import { until } from '../support/until.ts';

const LISTENER = { proxyProtocol: { from: ['127.0.0.1/32'] } };

const policyWith = (feed: string): string =>
  ACTIONS_POLICY.replace('feed blocked of cidr from file "blocked.txt" { }', feed);

/** Does the handshake of a client succeed whom a proxy says to be at `address`? */
async function isServed({ port, ca }: TestEdge, address: string): Promise<boolean> {
  const socket = connect({ port, host: '127.0.0.1' });
  const isV6 = address.includes(':');
  socket.write(`PROXY TCP${isV6 ? 6 : 4} ${address} ${isV6 ? '2001:db8::1' : '198.51.100.1'} 4711 443\r\n`);
  // why: a server of TLS 1.3 refuses after the client is through, so only what it then sends tells.
  const client = tlsConnect({ socket, servername: 'localhost', ca, maxVersion: 'TLSv1.2' });
  try {
    await once(client, 'secureConnect');
    return true;
  } catch {
    return false;
  } finally {
    client.destroy();
  }
}

test('who CrowdSec bans is turned away, and served again when the ban is lifted', {
  skip: await missing('crowdsec'),
}, async (t) => {
  const { origin, keys, decide } = await startCrowdSec(t);
  process.env.SALLYPORT_TEST_LAPI_KEY = keys.cidr;
  t.after(() => delete process.env.SALLYPORT_TEST_LAPI_KEY);
  await decide('add', '--ip', '45.1.1.66', '--duration', '1h');
  const secret = 'secret lapi_key from env "SALLYPORT_TEST_LAPI_KEY"';
  const feed = `${secret}\nfeed blocked of cidr from crowdsec "${origin}" { refresh 1h  auth lapi_key }`;
  const edge = await startTestEdge(t, {
    policy: policyWith(feed),
    feeds: { directory: 'feeds' },
    listener: LISTENER,
  });
  assert.equal(await isServed(edge, '45.1.1.66'), false);
  assert.equal(await isServed(edge, '45.1.1.67'), true);
  await decide('add', '--range', '2a00:1450::/32', '--duration', '1h');
  await decide('delete', '--ip', '45.1.1.66');
  assert.equal((await edge.edge.feeds.refresh('blocked', NOTHING_ACCEPTED))!.result, 'changed');
  await until('the ban is lifted', () => isServed(edge, '45.1.1.66'));
  assert.equal(await isServed(edge, '2a00:1450::9'), false);
});

test('who a DNS list has is turned away from the second connection on', {
  skip: await missing('rbldnsd'),
}, async (t) => {
  const resolver = await startRbldnsd(t);
  const edge = await startTestEdge(t, {
    policy: policyWith('feed blocked of cidr from dnsbl "bl.example" { refresh 10m }'),
    feeds: { resolvers: [resolver] },
    listener: LISTENER,
  });
  assert.equal(await isServed(edge, '203.0.113.9'), true, 'not known yet');
  await until('it is known', async () => !(await isServed(edge, '203.0.113.9')));
  for (let visit = 0; visit < 3; visit++) assert.equal(await isServed(edge, '203.0.113.7'), true, 'excepted');
});
