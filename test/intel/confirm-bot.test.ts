import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { confirmBot } from '../../src/intel/confirm-bot.ts';
import { DnsClient } from '../../src/intel/dns-client.ts';
import { parseIp } from '../../src/pdl/ip.ts';
import { claimedBot } from '../../src/profile/bots.ts';
import { type Asked, type DnsReply, NO_SUCH_NAME, SERVER_FAILURE, startDns } from '../support/dns-server.ts';

const GOOGLE = claimedBot('Googlebot')!;
const PTR = '1.66.249.66.in-addr.arpa';
const NAME = 'crawl-66-249-66-1.googlebot.com';

async function confirm(
  t: TestContext,
  zone: Readonly<Record<string, readonly string[]>>,
  address = '66.249.66.1',
  otherwise: DnsReply = NO_SUCH_NAME,
): Promise<{ confirmed: Promise<boolean>; asked: readonly Asked[] }> {
  const { address: server, asked } = await startDns(t, ({ name, type }) => {
    const records = zone[`${type} ${name}`];
    return records === undefined ? otherwise : { records };
  });
  const client = new DnsClient([server]);
  t.after(() => client.close());
  return { confirmed: confirmBot(client, GOOGLE, parseIp(address)!, !address.includes(':')), asked };
}

test('an address whose name is of the operator and has the address is confirmed', async (t) => {
  const zone = { [`PTR ${PTR}`]: [NAME], [`A ${NAME}`]: ['66.249.66.9', '66.249.66.1'] };
  assert.equal(await (await confirm(t, zone)).confirmed, true);
});

test('so is one of IPv6', async (t) => {
  const address = '2001:4860:4801:10::1';
  const ptr = '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.1.0.8.4.0.6.8.4.1.0.0.2.ip6.arpa';
  const name = 'crawl-v6.googlebot.com';
  const zone = { [`PTR ${ptr}`]: [name], [`AAAA ${name}`]: ['2001:4860:4801:0010:0000:0000:0000:0001'] };
  assert.equal(await (await confirm(t, zone, address)).confirmed, true);
});

for (const [what, zone] of [
  ['has no name', {}],
  ['has a name of somebody else', { [`PTR ${PTR}`]: ['googlebot.com.evil.example'] }],
  ['has a name that has other addresses', { [`PTR ${PTR}`]: [NAME], [`A ${NAME}`]: ['66.249.66.2'] }],
  ['has a name that does not exist', { [`PTR ${PTR}`]: [NAME] }],
] as const) {
  test(`an address that ${what} is denied`, async (t) => {
    assert.equal(await (await confirm(t, zone)).confirmed, false);
  });
}

test('an address with many names leads to few questions', async (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `c${i}.googlebot.com`);
  const { confirmed, asked } = await confirm(t, { [`PTR ${PTR}`]: names });
  assert.equal(await confirmed, false);
  assert.ok(asked.length <= 9, String(asked.length));
});

test('a resolver that fails says nothing of the address', async (t) => {
  await assert.rejects((await confirm(t, {}, '66.249.66.1', SERVER_FAILURE)).confirmed, {
    code: 'ESERVFAIL',
  });
});
