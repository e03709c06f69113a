/** Servers that others wrote, as Debian packages them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DnsClient } from '../../src/intel/dns-client.ts';
import { DnsList } from '../../src/intel/dns-list.ts';
import { readFeed } from '../../src/intel/formats.ts';
import { judgeFeed, NOTHING_ACCEPTED } from '../../src/intel/guards.ts';
import { FeedClient } from '../../src/intel/http-client.ts';
import { type Refreshed, refreshFeed } from '../../src/intel/refresh.ts';
import { readCopy } from '../../src/intel/store.ts';
import { parseIp } from '../../src/pdl/ip.ts';
import { startCrowdSec } from '../support/crowdsec.ts';
import { startRbldnsd } from '../support/rbldnsd.ts';
import { missing } from '../support/tools.ts';
import { makeFeed, makeSettings } from './support.ts';

test('CrowdSec tells its decisions, what changed since, and everything again after it was away', {
  skip: await missing('crowdsec'),
}, async (t) => {
  const { origin, keys, decide, stop, start } = await startCrowdSec(t);
  const settings = makeSettings(t);
  const client = new FeedClient(null);
  t.after(() => client.destroy());
  const feeds = {
    cidr: makeFeed({ name: 'addresses', source: 'crowdsec', path: origin }),
    asn: makeFeed({ name: 'networks', source: 'crowdsec', path: origin, type: 'asn' }),
  };
  const tools = { settings, client, judge: judgeFeed, accepted: NOTHING_ACCEPTED };
  const refresh = (type: 'cidr' | 'asn', changesOnly: boolean, key = keys[type]): Promise<Refreshed> =>
    refreshFeed(
      { feed: feeds[type], secret: Buffer.from(key), harms: true },
      { ...tools, goodAddresses: () => new Uint8Array(0), changesOnly },
    );
  const members = (type: 'cidr' | 'asn'): readonly string[] => {
    const { bytes, state } = readCopy(settings.directory, feeds[type])!;
    const context = { options: {}, fetchedMs: state.copy!.fetchedAt };
    return [...readFeed(feeds[type], bytes, context).members].sort();
  };

  await decide('add', '--ip', '45.1.1.66', '--duration', '1h');
  await decide('add', '--range', '45.2.0.0/16', '--duration', '10m');
  await decide('add', '--scope', 'AS', '--value', '64500', '--duration', '1h');
  assert.equal((await refresh('cidr', false)).result, 'changed');
  assert.deepEqual(members('cidr'), ['45.1.1.66', '45.2.0.0/16']);
  assert.equal((await refresh('asn', false)).result, 'changed');
  assert.deepEqual(members('asn'), ['64500']);
  assert.equal((await refresh('cidr', true)).result, 'unchanged');

  await decide('delete', '--ip', '45.1.1.66');
  assert.equal((await refresh('cidr', true)).result, 'changed');
  assert.deepEqual(members('cidr'), ['45.2.0.0/16']);

  const { result, reason } = await refresh('cidr', true, 'another key');
  assert.deepEqual([result, reason], ['failed', 'the server answers 403']);
  await stop();
  assert.match((await refresh('cidr', true)).reason!, /ECONNREFUSED/);
  assert.deepEqual(members('cidr'), ['45.2.0.0/16'], 'the last good copy stays');
  await start();
  await decide('add', '--ip', '2a00:1450::66', '--duration', '1h');
  assert.equal((await refresh('cidr', false)).result, 'changed');
  assert.deepEqual(members('cidr'), ['2a00:1450::66', '45.2.0.0/16']);
});

async function listOf(t: TestContext): Promise<DnsList> {
  const client = new DnsClient([await startRbldnsd(t)]);
  const list = new DnsList(makeFeed({ source: 'dnsbl', path: 'bl.example', refreshMs: 60_000 }), client);
  t.after(() => {
    list.close();
    client.close();
  });
  assert.equal(await list.check(), null);
  return list;
}

test('a DNS list of rbldnsd says who is listed, of both families, with exceptions', {
  skip: await missing('rbldnsd'),
}, async (t) => {
  const list = await listOf(t);
  for (const [address, isListed] of [
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['203.0.113.200', true],
    ['203.0.113.7', false],
    ['2001:db8::66', true],
    ['2001:db9::66', false],
  ] as const) {
    const answer = await list.ask(parseIp(address)!, !address.includes(':'));
    assert.equal(answer?.isListed, isListed, address);
    if (isListed) assert.ok(answer!.lifetimeMs > 590_000, 'as long as the zone says');
  }
});
