import assert from 'node:assert/strict';
import { request } from 'node:https';
import { type TestContext, test } from 'node:test';
import { generateNonce, signatureHeaders } from 'web-bot-auth';
import { signerFromJWK } from 'web-bot-auth/crypto';
import { startTestEdge, type TestEdge } from '../support/edge.ts';

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
const JWK = {
  kty: 'OKP',
  crv: 'Ed25519',
  d: 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU',
  x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs',
};
const KEYS = JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: JWK.x }] });

function start(t: TestContext): Promise<TestEdge> {
  const config = { bots: { keys: [{ agent: 'https://bot.example', file: 'bot.json' }] } };
  return startTestEdge(t, { policy: POLICY, threads: 2, files: { 'bot.json': KEYS }, config });
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

/** The fields of a request of the crawler to `/bots`. */
async function sign({ port }: TestEdge, host = `localhost:${port}`): Promise<Record<string, string>> {
  const agent = { 'Signature-Agent': '"https://bot.example"' };
  const now = Date.now();
  const made = await signatureHeaders(
    new Request(`https://${host}/bots`, { headers: agent }),
    await signerFromJWK(JWK),
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
    await ask(edge, '/bots', await sign(edge, 'elsewhere.example')),
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
