import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { AdminControl, ReloadResult } from '../../src/admin/control.ts';
import { startAdminServer } from '../../src/admin/server.ts';
import { isAuthorized, loadOrCreateToken } from '../../src/admin/token.ts';
import { WatchHub } from '../../src/admin/watch-hub.ts';
import type { RunningServer } from '../../src/observe/server.ts';

let directory: string;
let server: RunningServer;
let token: string;
let reload: ReloadResult = { ok: true, imageId: 'ab', epoch: 2 };
const asked: unknown[] = [];
const POSTURE = { name: 'posture', states: ['calm', 'siege'], state: 'calm', forced: false, sinceMs: 0 };
const control: AdminControl = {
  reload: async () => reload,
  status: () => ({ ready: true }),
  bundle: () => null,
  feeds: {
    list: () => [],
    refresh: async (name, accepted) => {
      asked.push([name, accepted]);
      return name === 'drop' ? { feed: name, result: 'changed', reason: null, retryAfterMs: null } : null;
    },
    lookup: async (value) => ({ value, searched: [], unread: [], found: [] }),
  },
  modes: {
    list: () => [POSTURE],
    force: (_, state) =>
      state === 'gone' ? null : { ...POSTURE, state: state ?? 'calm', forced: state !== null },
  },
  watch: new WatchHub(
    () => ({ connections: 1, handshakes: 0, held: 0, workers: 1 }),
    () => {},
  ),
  describeClient: ({ isV4 }, ja4) => ({ isV4, ja4 }),
};

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-admin-'));
  const tokenFile = join(directory, 'deep', 'admin.token');
  server = await startAdminServer({ address: { host: '127.0.0.1', port: 0 }, tokenFile, control });
  token = readFileSync(tokenFile, 'utf8').trim();
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly body: { error?: { code: string }; [key: string]: unknown };
}

function ask(
  method: string,
  path: string,
  given: Record<string, string> = { authorization: `Bearer ${token}` },
  body?: object,
): Promise<Answer> {
  const headers = body === undefined ? given : { ...given, 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }));
    });
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

test('the token file is made at the start, readable by its owner only', () => {
  const file = join(directory, 'deep', 'admin.token');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(token.length >= 40);
  assert.equal(loadOrCreateToken(file), token);
});

test('a token file that is too short is an error', () => {
  const file = join(directory, 'short.token');
  writeFileSync(file, 'abc\n');
  assert.throws(() => loadOrCreateToken(file), /at least 16 characters/);
});

test('the status is answered to who holds the token', async () => {
  assert.deepEqual(await ask('GET', '/v1/status'), { status: 200, body: { ready: true } });
});

test('without a token, with a wrong one or another scheme nothing is answered', async () => {
  for (const authorization of ['', 'Bearer wrong', `Bearer ${token}x`, `Basic ${token}`]) {
    const { status, body } = await ask('GET', '/v1/status', authorization ? { authorization } : {});
    assert.deepEqual([status, body.error?.code], [401, 'unauthorized'], authorization);
  }
});

test('an unknown path needs the token as well', async () => {
  assert.equal((await ask('GET', '/v2', {})).status, 401);
  assert.equal((await ask('GET', '/v2')).status, 404);
});

test('a rebound DNS name is turned away even with the token', async () => {
  const headers = { authorization: `Bearer ${token}`, host: 'evil.example:9443' };
  assert.deepEqual((await ask('GET', '/v1/status', headers)).status, 421);
  for (const host of ['localhost:9443', '127.0.0.1', '[::1]:9443']) {
    assert.equal((await ask('GET', '/v1/status', { ...headers, host })).status, 200, host);
  }
});

test('a reload answers its result, and a refused one 422 with its diagnostics', async () => {
  assert.deepEqual(await ask('POST', '/v1/reload'), {
    status: 200,
    body: { ok: true, imageId: 'ab', epoch: 2 },
  });
  reload = { ok: false, diagnostics: [] };
  assert.deepEqual(await ask('POST', '/v1/reload'), { status: 422, body: { ok: false, diagnostics: [] } });
});

test('a reload cannot be asked for with GET', async () => {
  assert.equal((await ask('GET', '/v1/reload')).status, 404);
});

test('before a policy is in force its path says so', async () => {
  const { status, body } = await ask('GET', '/v1/policy');
  assert.deepEqual([status, body.error?.code], [503, 'no_policy']);
});

test('an empty, overlong or malformed Authorization header never matches', () => {
  for (const header of [undefined, '', 'Bearer ', `Bearer ${'a'.repeat(600)}`, 'Bearer a b']) {
    assert.equal(isAuthorized(header, 'a'.repeat(40)), false);
  }
});

test('feeds are refreshed by name, with what the operator accepts', async () => {
  assert.equal((await ask('POST', '/v1/feeds/drop/refresh')).body.result, 'changed');
  const unknown = await ask('POST', '/v1/feeds/nope/refresh');
  assert.deepEqual([unknown.status, unknown.body.error!.code], [404, 'no_feed']);
  assert.deepEqual(asked, [
    ['drop', { size: false, coverage: false }],
    ['nope', { size: false, coverage: false }],
  ]);
});

test('a look-up without a value, or with a very long one, is refused', async () => {
  assert.equal((await ask('GET', '/v1/feeds/lookup?value=192.0.2.1')).body.value, '192.0.2.1');
  for (const query of ['', '?value=', `?value=${'a'.repeat(1_025)}`, '?value=a&value=b']) {
    assert.equal((await ask('GET', `/v1/feeds/lookup${query}`)).status, 400, query);
  }
});

test('nothing about feeds is told or done without the token', async () => {
  for (const [method, path] of [
    ['GET', '/v1/feeds'],
    ['GET', '/v1/feeds/lookup?value=192.0.2.1'],
    ['POST', '/v1/feeds/drop/refresh'],
  ] as const) {
    assert.equal((await ask(method, path, {})).status, 401, path);
  }
});

test('modes are listed, held in a state and let go', async () => {
  assert.deepEqual((await ask('GET', '/v1/modes')).body, { modes: [POSTURE] });
  const held = await ask('POST', '/v1/modes/posture', undefined, { state: 'siege' });
  assert.deepEqual(held.body, { ...POSTURE, state: 'siege', forced: true });
  const free = await ask('POST', '/v1/modes/posture', undefined, { state: null });
  assert.deepEqual(free.body, POSTURE);
});

test('a mode or state that is not there is told with those that are', async () => {
  const mode = await ask('POST', '/v1/modes/weather', undefined, { state: 'wet' });
  assert.deepEqual([mode.status, mode.body.error!.code], [404, 'no_mode']);
  const state = await ask('POST', '/v1/modes/posture', undefined, { state: 'gone' });
  assert.deepEqual([state.status, state.body.error!.code], [404, 'no_state']);
  assert.equal((await ask('POST', '/v1/modes/posture', undefined, {})).status, 400);
});
