import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect as tlsConnect } from 'node:tls';
import { generateNonce, signatureHeaders } from 'web-bot-auth';
import { signerFromJWK } from 'web-bot-auth/crypto';
import { type BotTestKey, directoryOf, makeBotKey, signDirectory } from '../support/bot-key.ts';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { until } from '../support/until.ts';
import { serveList } from './list-server.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal grease +1 when hello.grease }
policy served  extends tls.intermediate { }
policy refused extends served { action refuse alert access_denied  rank 90 }
site other {
  listen edge  sni any  score none
  exempt bots when http.path == "/bots" and client.verified_bot use served
  deny strangers when http.path == "/bots" do refuse alert access_denied
  deny impostors when not client.verified_bot do refuse alert access_denied
  ladder { from 0 use served }
  on_error use refused
}
`;
const KEY = makeBotKey();
const AGENT = 'https://bot.example';

function start(t: TestContext): Promise<TestEdge> {
  const config = { bots: { keys: [{ agent: AGENT, file: 'bot.json' }] } };
  return startTestEdge(t, { policy: POLICY, threads: 2, files: { 'bot.json': directoryOf(KEY) }, config });
}

function ask({ port, ca }: TestEdge, path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, servername: 'localhost', ca, headers, agent: false };
    request(options, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .on('error', reject)
      .end();
  });
}

interface Signing {
  readonly host?: string;
  readonly key?: BotTestKey;
  readonly agent?: string;
}

/** The fields of a request of the crawler to `/bots`. */
async function sign(
  { port }: TestEdge,
  { host = `localhost:${port}`, key = KEY, agent: origin = AGENT }: Signing = {},
): Promise<Record<string, string>> {
  const agent = { 'Signature-Agent': `"${origin}"` };
  const now = Date.now();
  const made = await signatureHeaders(
    new Request(`https://${host}/bots`, { headers: agent }),
    await signerFromJWK(key.jwk),
    {
      created: new Date(now),
      expires: new Date(now + 60_000),
      nonce: generateNonce(),
    },
  );
  return {
    ...agent,
    host: `localhost:${port}`,
    signature: made.Signature,
    'signature-input': made['Signature-Input'],
  };
}

test('a crawler that signs its requests is let in, once with each nonce, and others are not', async (t) => {
  const edge = await start(t);
  const fields = await sign(edge);
  assert.equal(await ask(edge, '/bots', fields), 200);
  assert.equal(await ask(edge, '/bots', fields), 403, 'the same again');
  assert.equal(await ask(edge, '/bots', await sign(edge)), 200, 'another nonce');
  assert.equal(
    await ask(edge, '/bots', await sign(edge, { host: 'elsewhere.example' })),
    403,
    'signed for another site',
  );
  assert.equal(await ask(edge, '/bots', {}), 403);
  assert.equal(await ask(edge, '/', {}), 200);
});

test('who only says that it is a crawler is turned away', async (t) => {
  const edge = await start(t);
  const agent = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';
  assert.equal(await ask(edge, '/', { 'user-agent': agent }), 403);
  assert.equal(await ask(edge, '/', { 'user-agent': 'curl/8' }), 200);
});

test('keys that cannot be read keep an edge from starting, and say which', async (t) => {
  const config = { bots: { keys: [{ agent: 'https://bot.example', file: 'bot.json' }] } };
  await assert.rejects(
    startTestEdge(t, { policy: POLICY, files: { 'bot.json': '{}' }, config }),
    (error: Error) => {
      assert.match(
        JSON.stringify(error),
        /the keys of https:\/\/bot\.example cannot be used: it has no list `keys`/,
      );
      return true;
    },
  );
});

const DIRECTORY = { 'content-type': 'application/http-message-signatures-directory+json' };

test('keys come from the directory of a crawler that is listed, and go with it', async (t) => {
  const { list, url, ca } = await serveList(t, directoryOf(KEY));
  const agent = new URL(url).origin;
  const [next, stranger] = [makeBotKey(), makeBotKey()];
  list.headers = { ...DIRECTORY, ...(await signDirectory(agent, [KEY])) };
  const config = { bots: { keys: [{ agent }], refresh: '1s' } };
  const edge = await startTestEdge(t, {
    policy: POLICY,
    threads: 2,
    feeds: { ca, directory: 'feeds' },
    config,
  });
  const visit = async (key: BotTestKey): Promise<number> =>
    ask(edge, '/bots', await sign(edge, { key, agent }));
  assert.equal(await visit(KEY), 200, 'known before it listens');
  assert.equal(await visit(stranger), 403);
  assert.equal(await ask(edge, '/', await sign(edge, { key: stranger, agent })), 200, 'which says nothing');

  list.status = 500;
  const { asked } = list;
  await until('the directory was asked for in vain', () => list.asked > asked);
  assert.equal(await visit(KEY), 200, 'an outage takes no key away');

  Object.assign(list, { status: 200, body: directoryOf(next), headers: DIRECTORY });
  await until('the new key is taken', async () => (await visit(next)) === 200);
  assert.equal(await visit(KEY), 403, 'the old one is gone');
  const [feed] = edge.edge.feeds.list();
  assert.deepEqual([feed!.name, feed!.type, feed!.entries, feed!.state], [agent, 'fingerprint', 1, 'good']);
});

test('nothing is fetched from where a client says that its keys are', async (t) => {
  const { list, url } = await serveList(t, directoryOf(KEY));
  list.headers = DIRECTORY;
  const edge = await start(t);
  const fields = await sign(edge, { key: makeBotKey(), agent: new URL(url).origin });
  assert.equal(await ask(edge, '/bots', fields), 403);
  assert.equal(list.asked, 0);
});

/** The status that a client gets whose address a proxy tells; it closes the connection. */
async function askFrom({ port, ca }: TestEdge, address: string, agent: string): Promise<number> {
  const socket = new Socket();
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`PROXY TCP4 ${address} 198.51.100.1 4711 443\r\n`);
  const tls = tlsConnect({ socket, servername: 'localhost', ca });
  await once(tls, 'secureConnect');
  tls.write(`GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${agent}\r\nConnection: close\r\n\r\n`);
  const [data] = (await once(tls, 'data')) as [Buffer];
  tls.destroy();
  return Number(data.toString().slice(9, 12));
}

test('published ranges vouch for a crawler at once, and against who only says that it is one', async (t) => {
  const published = { creationTime: '2026-01-01T00:00:00', prefixes: [{ ipv4Prefix: '203.0.113.0/28' }] };
  const { list, url, ca } = await serveList(t, JSON.stringify(published));
  const ranges = [
    { bot: 'GPTBot', url: `${url}.json` },
    { bot: 'Googlebot', file: 'google.txt' },
    { bot: 'ShopBot', token: 'ShopBot/', file: 'shop.txt' },
  ];
  const edge = await startTestEdge(t, {
    policy: POLICY,
    files: { 'google.txt': '192.0.2.0/24\n', 'shop.txt': '203.0.113.77\n' },
    listener: { proxyProtocol: { from: ['127.0.0.1/32'] } },
    // Nobody answers there: what is known is known from ranges.
    feeds: { ca, directory: 'feeds', resolvers: ['127.0.0.1:1'] },
    config: { bots: { ranges, refresh: '1s' } },
  });
  const agent = (name: string): string => `Mozilla/5.0 (compatible; ${name}/1.0)`;
  for (const [address, name, status] of [
    ['203.0.113.9', 'GPTBot', 200],
    ['203.0.113.16', 'GPTBot', 403],
    ['192.0.2.200', 'Googlebot', 200],
    ['203.0.113.9', 'Googlebot', 200],
    ['203.0.113.77', 'ShopBot', 200],
    ['203.0.113.78', 'ShopBot', 403],
    ['203.0.113.78', 'ChatGPT-User', 200],
  ] as const) {
    const what = `${name} from ${address}`;
    assert.equal(await askFrom(edge, address, agent(name)), status, what);
  }
  list.body = JSON.stringify({ prefixes: [{ ipv4Prefix: '203.0.113.16/32' }] });
  await until(
    'the new ranges are in force',
    async () => (await askFrom(edge, '203.0.113.16', agent('GPTBot'))) === 200,
  );
  assert.equal(await askFrom(edge, '203.0.113.9', agent('GPTBot')), 403);
});

test('ranges that are not to be had are refused with what to do', async (t) => {
  for (const [range, message] of [
    [{ bot: 'Gogglebot' }, /no crawler called Gogglebot in the table.*did you mean `Googlebot`/s],
    [{ bot: 'Baiduspider' }, /Baiduspider publishes no ranges that are known.*give `url` or `file`/s],
    [{ bot: 'GPTBot', url: 'https://x.example/', file: 'x.txt' }, /`url` and `file` are given/],
    [{ bot: 'GPTBot', file: 'wide.txt' }, /the ranges of GPTBot cannot be used: it holds 0\.0\.0\.0\/0/],
  ] as const) {
    const started = startTestEdge(t, {
      policy: POLICY,
      files: { 'wide.txt': '0.0.0.0/0\n' },
      config: { bots: { ranges: [range] } },
    });
    await assert.rejects(started, (error: Error) => {
      assert.match(JSON.stringify(error) + error.message, message);
      return true;
    });
  }
});
