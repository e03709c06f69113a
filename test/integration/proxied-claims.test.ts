/** Real browsers and curl behind a real HAProxy: its SYN, and its ClientHello where it ends TLS, are not theirs. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { type AuditLine, startTestEdge, type TestEdge } from '../support/edge.ts';
import { openFirefox } from '../support/firefox.ts';
import { missingHaproxy, startHaproxy } from '../support/haproxy.ts';
import { missing, run } from '../support/tools.ts';
import { until } from '../support/until.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal other_system +10 when client.os_mismatch }
policy served  extends tls.intermediate { }
policy refused extends served { action refuse alert access_denied  rank 90 }
site all {
  listen edge  sni any  score none
  deny liars when client.tool_mismatch do refuse alert access_denied
  ladder { from 0 use served }
  on_error use refused
}
`;
const WINDOWS_CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const LISTED = { proxyProtocol: { from: ['127.0.0.1/32'] } };

interface Behind {
  readonly edge: TestEdge;
  /** HAProxy passes TCP on, and says for whom. */
  readonly tcp: number;
  /** HAProxy ends TLS and begins it anew, and says for whom. */
  readonly http: number;
}

async function startBehind(t: TestContext): Promise<Behind> {
  const edge = await startTestEdge(t, { policy: POLICY, listener: LISTED, limits: { idleTimeout: '1s' } });
  const [tcp, http] = await startHaproxy(t, [
    { edge: edge.port, send: 'send-proxy-v2' },
    { edge: edge.port, send: 'send-proxy-v2', ends: edge.directory },
  ]);
  return { edge, tcp: tcp!, http: http! };
}

/** Lines with requests: every one of a client that a proxy spoke for, unsuspected and served. */
async function assertBelieved({ edge }: Behind, agent: RegExp): Promise<void> {
  const asked = (): AuditLine[] =>
    edge.lines().filter(({ sallyport }) => (sallyport.http?.requests ?? 0) > 0);
  await until(
    'both ways are audited',
    () => new Set(asked().map(({ sallyport }) => sallyport.hello.client)).size > 1,
  );
  for (const { event, sallyport, user_agent } of asked()) {
    assert.match(user_agent.original!, agent);
    assert.equal(sallyport.proxy, '127.0.0.1');
    // The SYN is the proxy's, and so nobody's.
    assert.deepEqual([sallyport.syn, sallyport.os, sallyport.mtu, sallyport.link], [null, null, null, null]);
    assert.notEqual(sallyport.http?.os_mismatch, true);
    assert.notEqual(sallyport.http?.tool_mismatch, true);
    assert.deepEqual(sallyport.matched, []);
    assert.equal(event.action, 'served');
  }
}

const curl = (port: number, edge: TestEdge, ...options: string[]): ReturnType<typeof run> =>
  run('curl', ['-sS', '--cacert', edge.caFile, ...options, `https://localhost:${port}/`]);

const haproxy = await missingHaproxy();

test('no alarm is raised for curl behind HAProxy, whichever way it passes it on', {
  skip: haproxy || (await missing('curl')),
}, async (t) => {
  const behind = await startBehind(t);
  for (const port of [behind.tcp, behind.http]) {
    for (const options of [[], ['--http1.1'], ['-A', WINDOWS_CHROME]]) {
      assert.equal((await curl(port, behind.edge, ...options)).code, 0);
    }
  }
  await assertBelieved(behind, /^curl|Windows/);
});

test('no alarm is raised for Chromium behind HAProxy, whichever way it passes it on', {
  skip: haproxy || (await withoutChromium()),
}, async (t) => {
  const behind = await startBehind(t);
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  for (const port of [behind.tcp, behind.http]) {
    assert.equal((await page.goto(`https://all.test:${port}/`))!.status(), 200);
  }
  await browser.close();
  await assertBelieved(behind, /Chrome/);
});

test('no alarm is raised for Firefox behind HAProxy, whichever way it passes it on', {
  skip: haproxy || (await missing('firefox-esr')),
}, async (t) => {
  const behind = await startBehind(t);
  const evaluate = await openFirefox(t, `https://localhost:${behind.tcp}/`);
  await evaluate(`location.assign("https://localhost:${behind.http}/")`);
  await assertBelieved(behind, /Firefox/);
});

test('an HTTP proxy without PROXY protocol raises the alarm until it is declared', {
  skip: haproxy || (await missing('curl')),
}, async (t) => {
  for (const [config, mismatch] of [
    [{}, true],
    [{ intermediaries: ['127.0.0.1/32'] }, null],
  ] as const) {
    const edge = await startTestEdge(t, { policy: POLICY, config });
    const [port] = await startHaproxy(t, [{ edge: edge.port, send: '', ends: edge.directory }]);
    await curl(port!, edge, '-A', WINDOWS_CHROME);
    const { event, sallyport } = await edge.line((line) => (line.sallyport.http?.requests ?? 0) > 0);
    assert.equal(sallyport.http?.tool_mismatch, mismatch);
    assert.equal(event.action, mismatch ? 'refused' : 'served');
  }
});
