import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { applyDecisions } from '../../src/intel/decisions.ts';
import { MAX_FEED_BYTES } from '../../src/intel/fetch.ts';
import { readFeed } from '../../src/intel/formats.ts';
import { judgeFeed, NOTHING_ACCEPTED } from '../../src/intel/guards.ts';
import { FeedClient, type Network } from '../../src/intel/http-client.ts';
import { type Refreshed, refreshFeed } from '../../src/intel/refresh.ts';
import { FeedRefresher, nextDelay } from '../../src/intel/refresher.ts';
import type { FeedSettings } from '../../src/intel/settings.ts';
import { copyPath, readCopy, readState, sha256Hex } from '../../src/intel/store.ts';
import type { Feed } from '../../src/pdl/ir.ts';
import { missing, readJson } from '../support/shared-data.ts';
import { makeFeed, makeSettings, prefixLines, serve } from './support.ts';

const GOOD = prefixLines(20);
const KEY = 'a key that is long enough';

const TOOLS = {
  judge: judgeFeed,
  accepted: NOTHING_ACCEPTED,
  goodAddresses: () => new Uint8Array(0),
  changesOnly: false,
};

interface Refresher {
  readonly settings: FeedSettings;
  refresh(feed: Feed, secret?: string): Promise<Refreshed>;
}

function refresher(t: TestContext, given: Partial<FeedSettings> = {}, network?: Network): Refresher {
  const settings = makeSettings(t, given);
  const client = new FeedClient(null, network);
  t.after(() => client.destroy());
  return {
    settings,
    refresh: (feed, secret) =>
      refreshFeed(
        { feed, secret: secret === undefined ? null : Buffer.from(secret), harms: true },
        { ...TOOLS, settings, client },
      ),
  };
}

function members({ directory }: FeedSettings, feed: Feed): string | null {
  const copy = readCopy(directory, feed);
  return copy && Buffer.from(copy.bytes).toString();
}

test('a feed is fetched once and then asked for only if it changed', async (t) => {
  const asked: (string | undefined)[] = [];
  const origin = await serve(t, (request, response) => {
    asked.push(request.headers['if-none-match'], request.headers['if-modified-since']);
    const isKnown = request.headers['if-none-match'] === '"v1"';
    response.writeHead(isKnown ? 304 : 200, {
      etag: '"v1"',
      'last-modified': 'Mon, 05 Jan 2026 00:00:00 GMT',
    });
    response.end(isKnown ? undefined : GOOD);
  });
  const { settings, refresh } = refresher(t);
  const feed = makeFeed({ path: origin });
  assert.equal((await refresh(feed)).result, 'changed');
  const first = readState(settings.directory, feed).copy!;
  assert.equal(first.entries, 20);
  assert.equal((await refresh(feed)).result, 'unchanged');
  assert.deepEqual(asked, [undefined, undefined, '"v1"', 'Mon, 05 Jan 2026 00:00:00 GMT']);
  const second = readState(settings.directory, feed).copy!;
  assert.equal(second.fetchedAt, first.fetchedAt);
  assert.ok(second.checkedAt >= first.checkedAt);
  assert.equal(members(settings, feed), GOOD);
});

test('what is refused leaves the last good copy, counts, and a success forgets it', async (t) => {
  let body = GOOD;
  const origin = await serve(t, (_, response) => response.end(body));
  const { settings, refresh } = refresher(t);
  const feed = makeFeed({ path: origin });
  await refresh(feed);
  body = `${GOOD}0.0.0.0/0\n`;
  assert.equal((await refresh(feed)).result, 'refused');
  assert.match((await refresh(feed)).reason!, /very large part/);
  assert.equal(members(settings, feed), GOOD);
  assert.equal(readState(settings.directory, feed).failure?.count, 2);
  body = prefixLines(21);
  assert.equal((await refresh(feed)).result, 'changed');
  assert.equal(readState(settings.directory, feed).failure, null);
  assert.equal(members(settings, feed), body);
  assert.equal(readdirSync(settings.directory).length, 2, 'the copy before is gone');
});

test('answers that are no list fail with what the server said', async (t) => {
  const origin = await serve(t, (request, response) => {
    if (request.url === '/busy') response.writeHead(503, { 'retry-after': '120' }).end('busy');
    else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end();
    else if (request.url === '/plain') response.writeHead(302, { location: 'http://feeds.example/x' }).end();
    else if (request.url === '/304') response.writeHead(304).end();
    else if (request.url === '/huge')
      response.writeHead(200, { 'content-length': MAX_FEED_BYTES + 1 }).write('x');
    else if (request.url === '/cut') {
      response.writeHead(200, { 'content-length': 1_000 }).write('45.1.1.1\n');
      setTimeout(() => response.destroy(), 20);
    } else if (request.url !== '/slow') response.end(GOOD);
  });
  const { settings, refresh } = refresher(t, { timeout: 300 });
  const reason = async (path: string): Promise<string | null> =>
    (await refresh(makeFeed({ path: origin + path }))).reason;
  assert.match((await reason('/busy'))!, /answers 503/);
  assert.equal((await refresh(makeFeed({ path: `${origin}/busy` }))).retryAfterMs, 120_000);
  assert.match((await reason('/loop'))!, /more than 3 times/);
  assert.match((await reason('/plain'))!, /not https/);
  assert.match((await reason('/304'))!, /there is no copy/);
  assert.match((await reason('/huge'))!, /bytes long/);
  assert.ok(await reason('/cut'));
  assert.match((await reason('/slow'))!, /no answer in time/);
  assert.match((await refresh(makeFeed({ path: 'http://127.0.0.1:1/' }))).reason!, /ECONNREFUSED/);
  assert.equal(await reason('/good'), null);
  assert.equal(members(settings, makeFeed({ path: `${origin}/busy` })), null);
});

test('a digest that the policy demands must be that of the content', async (t) => {
  const origin = await serve(t, (_, response) => response.end(GOOD));
  const { refresh } = refresher(t);
  assert.equal(
    (await refresh(makeFeed({ path: origin, sha256: sha256Hex(Buffer.from(GOOD)) }))).result,
    'changed',
  );
  const other = await refresh(makeFeed({ path: origin, name: 'other', sha256: '0'.repeat(64) }));
  assert.match(other.reason!, /the policy demands 0000/);
});

test('a copy that the disk changed counts as none', async (t) => {
  const origin = await serve(t, (_, response) => response.end(GOOD));
  const { settings, refresh } = refresher(t);
  const feed = makeFeed({ path: origin });
  await refresh(feed);
  const path = copyPath(settings.directory, feed, readState(settings.directory, feed).copy!.sha256);
  writeFileSync(path, `${GOOD}45.9.9.9\n`);
  assert.equal(readCopy(settings.directory, feed), null);
});

test('a secret goes to its server alone, in the header it is meant for, and never to the disk', async (t) => {
  const seen: Record<string, string | undefined> = {};
  const elsewhere = await serve(t, (request, response) => {
    seen.elsewhere = request.headers.authorization;
    response.end(GOOD);
  });
  const origin = await serve(t, (request, response) => {
    const { authorization, 'x-api-key': apiKey, 'auth-key': authKey } = request.headers;
    seen[request.url!] = authorization ?? String(apiKey ?? authKey);
    if (request.url === '/moved') response.writeHead(302, { location: elsewhere }).end();
    else if (request.url!.startsWith('/v1/')) response.end('{"new":[],"deleted":null}');
    else response.end(GOOD);
  });
  const { settings, refresh } = refresher(t, { options: { abuse: { header: 'Auth-Key' } } });
  await refresh(makeFeed({ path: `${origin}/bearer` }), KEY);
  await refresh(makeFeed({ path: `${origin}/basic` }), `user:${KEY}`);
  await refresh(makeFeed({ path: `${origin}/abuse`, name: 'abuse' }), KEY);
  await refresh(makeFeed({ path: `${origin}/moved` }), KEY);
  await refresh(makeFeed({ path: origin, source: 'crowdsec' }), KEY);
  assert.deepEqual(seen, {
    '/bearer': `Bearer ${KEY}`,
    '/basic': `Basic ${Buffer.from(`user:${KEY}`).toString('base64')}`,
    '/abuse': KEY,
    '/moved': `Bearer ${KEY}`,
    elsewhere: undefined,
    '/v1/decisions/stream?startup=true&scopes=ip,range': KEY,
  });
  for (const name of readdirSync(settings.directory)) {
    assert.ok(!readFileSync(join(settings.directory, name), 'utf8').includes(KEY), name);
  }
});

test('a TAXII collection is read to its last page', async (t) => {
  const indicator = (id: number): object => ({
    type: 'indicator',
    id: `indicator--${id}`,
    pattern: `[ipv4-addr:value = '45.1.1.${id}']`,
    valid_from: '2020-01-01T00:00:00Z',
  });
  const accepted: (string | undefined)[] = [];
  const origin = await serve(t, (request, response) => {
    accepted.push(request.headers.accept);
    const next = new URL(request.url!, 'http://x').searchParams.get('next');
    const page =
      next === null ? { objects: [indicator(1)], more: true, next: 'p2' } : { objects: [indicator(2)] };
    response.end(
      JSON.stringify(request.url!.startsWith('/error') ? { title: 'no', http_status: '403' } : page),
    );
  });
  const { settings, refresh } = refresher(t);
  const feed = makeFeed({ path: `${origin}/collections/1/objects/`, format: 'taxii' });
  assert.equal((await refresh(feed)).result, 'changed');
  assert.equal(readState(settings.directory, feed).copy!.entries, 2);
  assert.deepEqual(accepted, Array(2).fill('application/taxii+json;version=2.1'));
  assert.match((await refresh({ ...feed, path: `${origin}/error` })).reason!, /no TAXII envelope/);
});

const MEDALLION = 'feeds/oasis-medallion/medallion/test/data/default_data.json';
test('the real objects of a TAXII server are read page by page', { skip: missing(MEDALLION) }, async (t) => {
  const { collections } = readJson(MEDALLION).trustgroup1;
  const objects = collections.flatMap(({ objects: found }: { objects: object[] }) => found);
  assert.ok(objects.length > 3);
  const origin = await serve(t, (request, response) => {
    const at = Number(new URL(request.url!, 'http://x').searchParams.get('next') ?? 0);
    const more = at + 3 < objects.length;
    const page = { objects: objects.slice(at, at + 3), more, ...(more ? { next: String(at + 3) } : {}) };
    response.end(JSON.stringify(page));
  });
  const { settings, refresh } = refresher(t);
  const feed = makeFeed({
    path: `${origin}/trustgroup1/collections/1/objects/`,
    format: 'taxii',
    type: 'host',
  });
  assert.deepEqual((await refresh(feed)).reason, null);
  const { state, bytes } = readCopy(settings.directory, feed)!;
  assert.equal(JSON.parse(Buffer.from(bytes).toString()).objects.length, objects.length);
  assert.equal(state.copy!.entries, 0, 'its patterns are of URLs and files, which are no host names');
});

test('a MISP manifest leads to its events', async (t) => {
  const id = '5f1a2b3c-0000-4000-8000-000000000001';
  const origin = await serve(t, (request, response) => {
    if (request.url === '/misp/manifest.json')
      response.end(JSON.stringify({ [id]: { timestamp: '1' }, '../x': {} }));
    else if (request.url !== `/misp/${id}.json`) response.writeHead(404).end();
    else
      response.end(
        JSON.stringify({ Event: { Attribute: [{ type: 'ip-src', value: '45.1.1.1', to_ids: true }] } }),
      );
  });
  const { settings, refresh } = refresher(t);
  const feed = makeFeed({ path: `${origin}/misp/manifest.json`, format: 'misp' });
  assert.equal((await refresh(feed)).reason, null);
  assert.equal(readState(settings.directory, feed).copy!.entries, 1);
});

test('a feed that failed is asked again in its time, however often the policy is loaded meanwhile', async (t) => {
  let asked = 0;
  const origin = await serve(t, (_, response) => {
    asked++;
    response.writeHead(503).end();
  });
  const kept = new FeedRefresher({
    settings: makeSettings(t),
    judge: async (request) => judgeFeed(request),
    goodAddresses: () => new Uint8Array(0),
    onChanged: () => {},
    onResult: () => {},
  });
  t.after(() => kept.close());
  const remote = [{ feed: makeFeed({ path: origin }), secret: null, harms: true }];
  for (let load = 0; load < 3; load++) {
    assert.equal(await kept.fetchMissing(remote), false);
    kept.watch(remote);
  }
  assert.equal(asked, 1);
  const moved = [{ ...remote[0]!, feed: makeFeed({ path: `${origin}/elsewhere` }) }];
  await kept.fetchMissing(moved);
  assert.equal(asked, 2, 'another address is another feed');
});

test('waits double after failures up to the usual one, obey the server, and are never alike', () => {
  const HOUR = 3_600_000;
  assert.equal(nextDelay(HOUR, 0, null, 0.5), HOUR);
  assert.deepEqual(
    [1, 2, 3].map((failures) => nextDelay(HOUR, failures, null, 0.5)),
    [5_000, 10_000, 20_000],
  );
  assert.equal(nextDelay(HOUR, 50, null, 0.5), HOUR);
  assert.equal(nextDelay(HOUR, 1, 120_000, 0.5), 120_000);
  assert.equal(nextDelay(HOUR, 1, Number.MAX_SAFE_INTEGER, 0.5), 24 * HOUR);
  assert.equal(nextDelay(HOUR, 0, null, 0), 0.9 * HOUR);
  assert.ok(nextDelay(HOUR, 0, null, 1) > 1.09 * HOUR);
  assert.equal(nextDelay(10, 0, null, 0.5), 1_000);
});

test('a server on the internet cannot redirect into the own network, whatever name it uses', async (t) => {
  const asked: string[] = [];
  const inside = await serve(t, (request, response) => {
    asked.push(request.url!);
    response.end(GOOD);
  });
  let target = '';
  const origin = await serve(t, (_, response) => response.writeHead(302, { location: target }).end());
  const names: Record<string, string> = { 'rebinding.example': '127.0.0.3' };
  const network: Network = {
    isLocal: (address) => address === '127.0.0.3' || address === '::1',
    lookup: ((name: string, options: { all?: boolean }, done: (...given: unknown[]) => void) => {
      const address = names[name] ?? '127.0.0.1';
      if (options.all) done(null, [{ address, family: 4 }]);
      else done(null, address, 4);
    }) as Network['lookup'],
  };
  const { refresh } = refresher(t, {}, network);
  const reasonFor = async (location: string, start = origin): Promise<string | null> => {
    target = location;
    return (await refresh(makeFeed({ path: start }))).reason;
  };
  const port = new URL(inside).port;
  assert.match(
    (await reasonFor('https://127.0.0.3/'))!,
    /redirects to 127\.0\.0\.3, which is in a private network/,
  );
  assert.match((await reasonFor('https://[::1]/'))!, /redirects to ::1/);
  assert.match((await reasonFor('https://rebinding.example/'))!, /redirects to rebinding\.example/);
  assert.deepEqual(asked, []);
  assert.equal(await reasonFor(`http://127.0.0.1:${port}/public`), null, 'elsewhere on the internet');
  assert.deepEqual(asked, ['/public']);
});

test('CrowdSec tells everything once, then what changed, and everything again after trouble', async (t) => {
  const decision = (value: string, duration = '4h0m0s') => ({ scope: 'Ip', type: 'ban', value, duration });
  const asked: string[] = [];
  let answer: object | string = {};
  const origin = await serve(t, (request, response) => {
    asked.push(`${new URL(request.url!, origin).searchParams.get('startup')}`);
    response.end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  let changes = 0;
  const settings = makeSettings(t);
  const kept = new FeedRefresher({
    settings,
    judge: async (request) => judgeFeed(request),
    goodAddresses: () => new Uint8Array(0),
    onChanged: () => changes++,
    onResult: () => {},
  });
  t.after(() => kept.close());
  const feed = makeFeed({ source: 'crowdsec', path: origin });
  const inForce = (): string[] => {
    const { bytes, state } = readCopy(settings.directory, feed)!;
    return [...readFeed(feed, bytes, { options: {}, fetchedMs: state.copy!.fetchedAt }).members];
  };
  const refresh = async (next: object | string): Promise<string> => {
    answer = next;
    return (await kept.refreshNow(feed.name, NOTHING_ACCEPTED))!.result;
  };
  answer = { new: [decision('192.0.2.1'), decision('192.0.2.2', '1ms')], deleted: null };
  const remote = [{ feed, secret: null, harms: true }];
  assert.equal(await kept.fetchMissing(remote), true);
  kept.watch(remote);
  assert.equal(await refresh({ new: null, deleted: null }), 'unchanged');
  assert.equal(await refresh({ new: [decision('192.0.2.3')], deleted: null }), 'changed');
  assert.deepEqual(inForce(), ['192.0.2.1', '192.0.2.3'], 'the second has ended');
  assert.equal(await refresh({ new: null, deleted: [decision('192.0.2.1')] }), 'changed');
  assert.deepEqual(inForce(), ['192.0.2.3']);
  assert.equal(changes, 2);
  assert.equal(await refresh('not JSON'), 'refused');
  assert.equal(await refresh({ new: [decision('192.0.2.9')], deleted: null }), 'changed');
  assert.deepEqual(inForce(), ['192.0.2.9'], 'what was not taken is told again');
  const [all, only] = ['true', 'false'];
  assert.deepEqual(asked, [all, only, only, only, only, all]);
});

for (const [what, answer, reason] of [
  ['no stream', '{"a":1}', /no CrowdSec stream/],
  ['decisions that are no list', '{"new":7}', /no list/],
  ['a decision without a value', '{"new":[{"scope":"Ip"}]}', /without scope and value/],
  ['a decision that is none', '{"new":[null]}', /without scope and value/],
  ['binary', '\u0000\u0001', /binary/],
] as const) {
  test(`an answer of CrowdSec with ${what} is refused`, () => {
    assert.throws(() => applyDecisions(null, Buffer.from(answer), 0), reason);
  });
}
