import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { FACT, factIndex } from '../../src/orchestrator/facts.ts';
import { setClientFacts, setRequestFacts } from '../../src/orchestrator/request-facts.ts';
import { ClientMatcher } from '../../src/profile/client-matcher.ts';
import { loadClients } from '../../src/profile/clients.ts';
import { type HttpProfile, profileRequest } from '../../src/profile/http.ts';
import type { StackMatch } from '../../src/profile/stack-matcher.ts';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const CURL = 't13d3112h2_e8f1e7e78f70_b26ce05bbdd6';
const LINUX: StackMatch = {
  os: 'Linux 5.x',
  family: 'Linux',
  generic: false,
  fuzzy: false,
  hops: 3,
  mtu: null,
  link: null,
};

const core = new Core(loadCoreModule());
const tlsClient = new ClientMatcher(loadClients(null).table!).match(CURL, { ja4r: '' });
const shown = { stack: LINUX, tlsClient, h2: null, intermediary: false };

function request(...fields: string[]): HttpProfile {
  const version = { httpVersionMajor: 1, httpVersionMinor: 1 };
  return profileRequest({ method: 'GET', url: '/', ...version, rawHeaders: fields });
}

/** What the core then knows: os_mismatch and tool_mismatch. */
function known(): (number | null)[] {
  return ['client.os_mismatch', 'client.tool_mismatch'].map((name) => core.readNumber(factIndex(name)));
}

test('both contradictions reach the core', () => {
  core.begin();
  assert.deepEqual(setClientFacts(core, request('User-Agent', CHROME), shown), { os: true, tool: true });
  assert.deepEqual(known(), [1, 1]);
});

test('what agrees is known to agree', () => {
  core.begin();
  setClientFacts(core, request('User-Agent', 'curl/8.5.0 (Linux)'), shown);
  assert.deepEqual(known(), [0, 0]);
});

test('behind a proxy that is declared, and without a User-Agent, both are unknown', () => {
  for (const [proxied, intermediary, fields] of [
    [1, false, ['User-Agent', CHROME]],
    [0, true, ['User-Agent', CHROME]],
    [0, false, []],
  ] as const) {
    core.begin();
    core.setNumber(FACT.proxied, proxied);
    const http = request(...fields);
    assert.deepEqual(setClientFacts(core, http, { ...shown, intermediary }), { os: null, tool: null });
    assert.deepEqual(known(), [null, null]);
  }
});

test('the order of headers is the same for another request of the same program, and not for another program', () => {
  const order = (...fields: string[]): string | null => {
    core.begin();
    setRequestFacts(core, request(...fields.flatMap((name) => [name, 'x'])), true);
    return core.readText(factIndex('http.header_order'));
  };
  const first = order('Host', 'User-Agent', 'Accept');
  assert.match(first ?? '', /^[0-9a-f]{16}$/);
  assert.equal(order('host', 'Cookie', 'user-agent', 'accept', 'Referer', 'If-None-Match'), first);
  assert.notEqual(order('Host', 'Accept', 'User-Agent'), first);
  assert.notEqual(order('Host', 'User-Agent', 'Accept', 'Accept-Language'), first);
});
