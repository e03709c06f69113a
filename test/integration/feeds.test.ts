import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { prefixLines } from '../intel/support.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge } from '../support/edge.ts';
import { until } from '../support/until.ts';
import { serveList } from './list-server.ts';

const GOOD = prefixLines(40);
/** The client of these tests, as the edge sees it: a poisoned list that got through would turn it away. */
const BAIT = '127.0.0.1/32';

function policyWith(url: string, options = ''): string {
  return ACTIONS_POLICY.replace(
    'feed blocked of cidr from file "blocked.txt" { }',
    `feed blocked of cidr from url "${url}" { refresh 1s ${options} }`,
  );
}

/** The policy that served a request, or null when the handshake was refused. */
async function visit({ port, ca }: TestEdge): Promise<string | null> {
  const client = connect({ port, host: '127.0.0.1', servername: 'localhost', ca });
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

const POISONED: readonly (readonly [what: string, body: string | Uint8Array])[] = [
  ['all of IPv4', `${GOOD}0.0.0.0/0\n`],
  ['all of IPv6', `${GOOD}::/0\n`],
  ['10.0.0.0/8', `${GOOD}10.0.0.0/8\n`],
  ['172.16.0.0/12', `${GOOD}172.16.0.0/12\n`],
  ['192.168.0.0/16', `${GOOD}192.168.0.0/16\n`],
  ['an address of this machine', `${GOOD}${BAIT}\n`],
  ['an own network', `${GOOD}198.51.100.0/24\n`],
  ['a /1', `${GOOD}0.0.0.0/1\n`],
  ['ten times the size', prefixLines(400)],
  ['half the size', prefixLines(20)],
  ['binary', Uint8Array.from({ length: 2_000 }, (_, i) => (i * 37) & 255)],
  ['a page that says error', '<!DOCTYPE html><html><body>127.0.0.1 Service unavailable</body></html>'],
];

interface Status {
  readonly policy: { readonly epoch: number };
  readonly feeds: readonly { readonly failures: number; readonly entries: number }[];
}

test('twelve poisoned lists are refused while the edge serves, and an honest one is taken', async (t) => {
  const { list, url, ca } = await serveList(t, GOOD);
  const feeds = { ca, own: ['198.51.100.0/24'], directory: 'feeds' };
  const edge = await startTestEdge(t, { policy: policyWith(url), feeds });
  const status = (): Status => edge.edge.status() as Status;
  assert.equal(list.asked, 1, 'fetched before it listens');
  let refused = 0;
  for (const [what, body] of POISONED) {
    list.body = body;
    await until(`${what} is refused`, () => status().feeds[0]!.failures > refused);
    refused = status().feeds[0]!.failures;
    assert.equal(status().feeds[0]!.entries, 40, what);
    assert.equal(await visit(edge), 'served', what);
  }
  assert.equal(status().policy.epoch, 1);
  list.body = `${GOOD}203.0.113.77\n`;
  await until('the honest list is in force', () => status().policy.epoch === 2);
  assert.deepEqual(status().feeds[0], { ...status().feeds[0]!, failures: 0, entries: 41 });
  const { asked } = list;
  await until('it was asked for again, twice', () => list.asked >= asked + 2);
  assert.equal(status().policy.epoch, 2, 'a list that changed is taken once');
});
