import assert from 'node:assert/strict';
import { createHash, createPrivateKey, sign } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { directoryFeed } from '../../src/intel/bot-sources.ts';
import { FeedFormatError } from '../../src/intel/content.ts';
import { judgeFeed, NOTHING_ACCEPTED } from '../../src/intel/guards.ts';
import { FeedClient } from '../../src/intel/http-client.ts';
import { type DirectoryAnswer, readDirectory } from '../../src/intel/key-directory.ts';
import { type Refreshed, refreshFeed } from '../../src/intel/refresh.ts';
import { readCopy } from '../../src/intel/store.ts';
import { type BotTestKey, directoryOf, makeBotKey, signDirectory } from '../support/bot-key.ts';
import { makeSettings, serve } from './support.ts';

const TYPE = 'application/http-message-signatures-directory+json';
const URL_OF = new URL('https://bot.example/.well-known/http-message-signatures-directory');
const [FIRST, SECOND] = [makeBotKey(), makeBotKey()];

function answerOf(body: string, fields: Readonly<Record<string, string>> = {}): DirectoryAnswer {
  const all: Record<string, string> = { 'content-type': TYPE, ...fields };
  return { bytes: Buffer.from(body), field: (name) => all[name] ?? null };
}

/** Thumbprints of the keys that may be used. */
function read(answer: DirectoryAnswer, url = URL_OF, nowMs = Date.now()): string[] {
  const { keys } = JSON.parse(Buffer.from(readDirectory(url, answer, nowMs)).toString());
  return keys.map(({ kid }: { kid: string }) => kid);
}

/** A signature over what the later drafts have covered: the authority and the digest of the content. */
function signWithDigest(key: BotTestKey, body: string, more = ''): Record<string, string> {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const now = Math.floor(Date.now() / 1_000);
  const parameters = `("@authority";req "content-digest"${more});created=${now};expires=${now + 60};keyid="${key.keyId}";tag="http-message-signatures-directory"`;
  const base = `"@authority";req: bot.example\n"content-digest": ${digest}\n"@signature-params": ${parameters}`;
  const signature = sign(null, Buffer.from(base), createPrivateKey({ key: key.jwk, format: 'jwk' }));
  return {
    'content-digest': digest,
    'signature-input': `binding=${parameters}`,
    signature: `binding=:${signature.toString('base64')}:`,
  };
}

test('a directory without signatures gives its keys', () => {
  assert.deepEqual(read(answerOf(directoryOf(FIRST, SECOND))), [FIRST.keyId, SECOND.keyId]);
  const typed = answerOf(directoryOf(FIRST), { 'content-type': `${TYPE}; charset=utf-8` });
  assert.deepEqual(read(typed), [FIRST.keyId]);
});

test('one that another implementation signed with each of its keys gives all of them', async () => {
  const fields = await signDirectory(URL_OF.href, [FIRST, SECOND]);
  assert.deepEqual(read(answerOf(directoryOf(FIRST, SECOND), fields)), [FIRST.keyId, SECOND.keyId]);
});

test('one whose signature covers its content gives the keys of that content alone', () => {
  const body = directoryOf(FIRST);
  const fields = signWithDigest(FIRST, body);
  assert.deepEqual(read(answerOf(body, fields)), [FIRST.keyId]);
  assert.throws(() => read(answerOf(`${body} `, fields)), /no key has signed it rightly/);
  const { 'content-digest': _, ...without } = fields;
  assert.throws(() => read(answerOf(body, without)), /no key has signed it rightly/);
});

test('a key whose signature is wrong is left out, and one without a signature is not', async () => {
  const fields = await signDirectory('https://elsewhere.example/', [FIRST]);
  assert.deepEqual(read(answerOf(directoryOf(FIRST, SECOND), fields)), [SECOND.keyId]);
});

for (const [what, url, times] of [
  ['that was signed for another host', 'https://elsewhere.example/', {}],
  ['that was signed for another port', 'https://bot.example:8443/', {}],
  [
    'whose signature is of the future',
    URL_OF.href,
    { created: Date.now() + 3_600_000, expires: Date.now() + 7_200_000 },
  ],
  ['whose signature is over', URL_OF.href, { created: Date.now() - 60_000, expires: Date.now() - 1_000 }],
] as const) {
  test(`a directory ${what} is refused`, async () => {
    const fields = await signDirectory(url, [FIRST], times);
    assert.throws(() => read(answerOf(directoryOf(FIRST), fields)), /no key has signed it rightly/);
  });
}

test('a signature that covers what this does not know proves nothing', () => {
  const body = directoryOf(FIRST);
  assert.throws(() => read(answerOf(body, signWithDigest(FIRST, body, ' "@path"'))), /signed it rightly/);
});

test('another media type, labels that are no thumbprints, and public private keys are refused', () => {
  const json = answerOf(directoryOf(FIRST), { 'content-type': 'application/json' });
  assert.throws(() => read(json), /its media type is application\/json, not application\/http-message/);
  const labelled = { keys: [{ ...FIRST.listed, kid: 'my-key' }] };
  assert.throws(() => read(answerOf(JSON.stringify(labelled))), /no `kid` of its keys is the thumbprint/);
  const both = { keys: [{ ...FIRST.listed, kid: 'my-key' }, SECOND.listed] };
  assert.deepEqual(read(answerOf(JSON.stringify(both))), [SECOND.keyId]);
  const example = { kty: 'OKP', crv: 'Ed25519', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs' };
  assert.throws(() => read(answerOf(JSON.stringify({ keys: [example] }))), /example key of RFC 9421/);
  const encrypting = { keys: [{ ...FIRST.listed, use: 'enc' }] };
  assert.throws(() => read(answerOf(JSON.stringify(encrypting))), /no key of Ed25519/);
});

test('whatever a directory answers is read or refused with a reason', async () => {
  const fields = await signDirectory(URL_OF.href, [FIRST]);
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(200), (input, body, at) => {
      const cut = (text: string): string => text.slice(0, at) + input + text.slice(at + 1);
      for (const answer of [
        answerOf(directoryOf(FIRST), { ...fields, 'signature-input': cut(fields['signature-input']!) }),
        answerOf(directoryOf(FIRST), { ...fields, signature: input, 'content-digest': body }),
        answerOf(cut(directoryOf(FIRST)), fields),
      ]) {
        try {
          read(answer);
        } catch (error) {
          assert.ok(error instanceof FeedFormatError, String(error));
        }
      }
    }),
  );
});

interface Fetching {
  /** What the server was asked for. */
  readonly asked: IncomingMessage[];
  readonly answer: { status: number; body: string; headers: Record<string, string> };
  refresh(): Promise<Refreshed>;
  /** Thumbprints of the last good copy. */
  copy(): string[] | null;
}

async function fetching(t: TestContext): Promise<Fetching> {
  const asked: IncomingMessage[] = [];
  const answer = { status: 200, body: directoryOf(FIRST), headers: { 'content-type': TYPE, etag: '"1"' } };
  const origin = await serve(t, (request, response) => {
    asked.push(request);
    const isKnown = request.headers['if-none-match'] === answer.headers.etag;
    response.writeHead(isKnown ? 304 : answer.status, answer.headers).end(isKnown ? undefined : answer.body);
  });
  const settings = makeSettings(t);
  const client = new FeedClient(null);
  t.after(() => client.destroy());
  const times = { keys: [], ranges: [], refresh: 60_000, maxAge: 60_000 };
  const feed = directoryFeed({ agent: origin, file: null }, times, 'sallyport.yaml');
  const tools = {
    settings,
    client,
    judge: judgeFeed,
    accepted: NOTHING_ACCEPTED,
    goodAddresses: () => new Uint8Array(0),
    changesOnly: false,
  };
  return {
    asked,
    answer,
    refresh: () => refreshFeed({ feed, secret: null, harms: false, anySize: true }, tools),
    copy: () => {
      const copy = readCopy(settings.directory, feed);
      if (copy === null) return null;
      return JSON.parse(Buffer.from(copy.bytes).toString()).keys.map(({ kid }: { kid: string }) => kid);
    },
  };
}

test('a directory is asked for at its well-known address by its media type, and then only if it changed', async (t) => {
  const { asked, refresh, copy } = await fetching(t);
  assert.equal((await refresh()).result, 'changed');
  assert.equal(asked[0]!.url, '/.well-known/http-message-signatures-directory');
  assert.equal(asked[0]!.headers.accept, TYPE);
  assert.equal((await refresh()).result, 'unchanged');
  assert.equal(asked[1]!.headers['if-none-match'], '"1"');
  assert.deepEqual(copy(), [FIRST.keyId]);
});

test('a key that was taken out of the directory is gone, however many there were', async (t) => {
  const { answer, refresh, copy } = await fetching(t);
  const many = Array.from({ length: 20 }, makeBotKey);
  answer.body = directoryOf(...many);
  await refresh();
  answer.body = directoryOf(SECOND);
  answer.headers.etag = '"2"';
  assert.equal((await refresh()).result, 'changed');
  assert.deepEqual(copy(), [SECOND.keyId]);
});

for (const [what, change, reason] of [
  [
    'redirects',
    (a) => Object.assign(a, { status: 302, headers: { location: '/x' } }),
    /the server redirects$/,
  ],
  ['answers 203', (a) => Object.assign(a, { status: 203 }), /answers 203/],
  ['fails', (a) => Object.assign(a, { status: 500 }), /answers 500/],
  [
    'answers something else',
    (a) => Object.assign(a, { headers: { 'content-type': 'text/html' } }),
    /media type is text\/html/,
  ],
  [
    'answers very much',
    (a) => Object.assign(a, { body: ' '.repeat(300_000), headers: { 'content-type': TYPE } }),
    /at most 262144 are read|longer than 262144/,
  ],
] as const satisfies readonly (readonly [string, (answer: Fetching['answer']) => void, RegExp])[]) {
  test(`a directory whose server ${what} leaves the last good copy`, async (t) => {
    const { answer, refresh, copy } = await fetching(t);
    await refresh();
    answer.headers.etag = '"2"';
    change(answer);
    assert.match((await refresh()).reason!, reason);
    assert.deepEqual(copy(), [FIRST.keyId]);
  });
}
