/** What real clients are called, and which of their claims are contradicted, on a live edge. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type ClientHttp2Session, connect } from 'node:http2';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadAddon } from '../../src/edge/addon.ts';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { type AuditLine, startTestEdge, type TestEdge } from '../support/edge.ts';
import { openFirefox } from '../support/firefox.ts';
import { missing, run, sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const POLICY = `pdl 1
import "std/tls" as tls
score none {
  clamp 0..100
  signal other_system +10 when client.os_mismatch
  signal known_h2     +1  when known http.h2
  signal known_order  +1  when known http.header_order
}
policy served  extends tls.intermediate { }
policy refused extends served { action refuse alert access_denied  rank 90 }
site other {
  listen edge  sni any  score none
  deny liars when client.tool_mismatch do refuse alert access_denied
  deny named when hello.client == "OpenSSL" do reset
  ladder { from 0 use served }
  on_error use refused
}
`;

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.4 Safari/605.1.15';
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
type Client = (edge: TestEdge) => Promise<unknown>;

const curl =
  (...options: string[]): Client =>
  ({ port, caFile }) =>
    run('curl', ['-sS', '--cacert', caFile, ...options, `https://localhost:${port}/`]);

const PYTHON = `
import ssl, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"User-Agent": sys.argv[3]} if sys.argv[3] else {})
urllib.request.urlopen(request, context=ssl.create_default_context(cafile=sys.argv[2])).read()
`;
const python =
  (agent = ''): Client =>
  ({ port, caFile }) =>
    run('python3', ['-c', PYTHON, `https://localhost:${port}/`, caFile, agent]);

const node =
  (agent: string): Client =>
  ({ port, ca }) =>
    new Promise((resolve, reject) => {
      const headers = { 'user-agent': agent };
      request({ host: '127.0.0.1', port, servername: 'localhost', ca, headers, agent: false }, (response) => {
        response.resume().once('end', resolve);
      })
        .once('error', reject)
        .end();
    });

const nodeH2: Client = ({ port, ca }) =>
  new Promise((resolve, reject) => {
    const session: ClientHttp2Session = connect(`https://localhost:${port}`, { ca });
    session.once('error', reject).once('close', resolve);
    session
      .request({ ':path': '/', 'user-agent': 'node' })
      .resume()
      .once('close', () => session.close());
  });

const openssl: Client = ({ port }) => sClient(port, '-servername', 'localhost');

/** The audit line of the one connection that a client makes. */
async function audited(
  t: TestContext,
  client: Client,
  config: Record<string, unknown> = {},
): Promise<AuditLine> {
  const edge = await startTestEdge(t, { policy: POLICY, config });
  await client(edge);
  return edge.line();
}

const withoutCurl = await missing('curl');
const withoutPython = await missing('python3');

/** What a client is called, and its skip. */
const HONEST: readonly (readonly [client: string, name: string, how: Client, skip: string | false])[] = [
  ['curl over HTTP/2', 'curl', curl('--http2'), withoutCurl],
  ['curl over HTTP/1.1', 'curl', curl('--http1.1'), withoutCurl],
  ['curl with TLS 1.2', 'curl', curl('--tls-max', '1.2'), withoutCurl],
  ['Node over HTTP/1.1', 'Node.js', node('node'), false],
  ['Node over HTTP/2', 'Node.js', nodeH2, false],
  ['Python', 'Python', python(), withoutPython],
];

for (const [client, name, how, skip] of HONEST) {
  test(`${client} is called ${name} and believed`, { skip }, async (t) => {
    const { event, sallyport } = await audited(t, how);
    assert.equal(sallyport.hello.client, name);
    assert.equal(event.action, 'served');
    assert.equal(sallyport.http?.tool_mismatch, false);
    assert.notEqual(sallyport.http?.os_mismatch, true);
  });
}

const LIARS: readonly (readonly [lie: string, name: string, how: Client, skip: string | false])[] = [
  ['curl that says it is Chrome', 'curl', curl('-A', CHROME), withoutCurl],
  ['curl that says over HTTP/1.1 it is Chrome', 'curl', curl('-A', CHROME, '--http1.1'), withoutCurl],
  ['Node that says it is Safari', 'Node.js', node(SAFARI), false],
  ['Python that says it is Firefox', 'Python', python(FIREFOX), withoutPython],
];

for (const [lie, name, how, skip] of LIARS) {
  test(`${lie} is found out and refused`, { skip }, async (t) => {
    const { event, sallyport, user_agent } = await audited(t, how);
    assert.equal(sallyport.hello.client, name);
    assert.match(user_agent.original!, /^Mozilla/);
    assert.equal(sallyport.http?.tool_mismatch, true);
    assert.ok(sallyport.matched.includes('liars'));
    assert.equal(event.action, 'refused');
  });
}

test('no lie is seen of a proxy that is declared', { skip: withoutCurl }, async (t) => {
  const { event, sallyport } = await audited(t, curl('-A', CHROME), { intermediaries: ['127.0.0.0/8'] });
  assert.equal(sallyport.http?.tool_mismatch, null);
  assert.equal(sallyport.http?.os_mismatch, null);
  assert.equal(event.action, 'served');
});

test('the name of a TLS client decides before TLS', { skip: await missing('openssl') }, async (t) => {
  const { event, sallyport } = await audited(t, openssl);
  assert.equal(sallyport.hello.client, 'OpenSSL');
  assert.equal(event.action, 'reset');
});

test('a table of one’s own names clients, and is read again at a reload', {
  skip: withoutCurl,
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-clients-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const clientTable = join(directory, 'own.tsv');
  writeFileSync(clientTable, '# nobody yet\n');
  const edge = await startTestEdge(t, { policy: POLICY, config: { clientTable } });
  const ask = curl('--http1.1');
  await ask(edge);
  const { ja4, client } = (await edge.line()).sallyport.hello;
  assert.equal(client, 'curl');
  writeFileSync(clientTable, `${ja4}\tour monitor\ttool\n`);
  await edge.edge.reload();
  await ask(edge);
  await edge.line(({ sallyport }) => sallyport.hello.client === 'our monitor');
  writeFileSync(clientTable, 'no table\n');
  const result = await edge.edge.reload();
  assert.equal(result.ok, false);
  assert.match(JSON.stringify(result), /CLIENT-002.*own\.tsv/);
  await ask(edge);
  await until('the table before stays', () => {
    const names = edge.lines().map(({ sallyport }) => sallyport.hello.client);
    return names.filter((name) => name === 'our monitor').length === 2;
  });
});

const needsSyn = loadAddon().addon === null ? 'SYNs need the addon' : false;

test('a system that the SYN contradicts counts in the score', {
  skip: withoutCurl || needsSyn,
}, async (t) => {
  const { risk, sallyport } = await audited(t, curl('-A', 'curl/8 (Windows NT 10.0; Win64; x64)'));
  assert.equal(sallyport.http?.os_mismatch, true);
  assert.ok(risk.calculated_score! >= 10);
});

test('Chromium is named and believed, also for a WebSocket', { skip: await withoutChromium() }, async (t) => {
  const edge = await startTestEdge(t, { policy: POLICY });
  const browser = await openBrowser(t);
  const page = await browser.newPage();
  const response = await page.goto(`https://other.test:${edge.port}/`);
  assert.equal(response!.status(), 200);
  await page.evaluate(
    (url) =>
      new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onclose = socket.onerror = resolve;
        socket.onopen = () => socket.close();
      }),
    `wss://other.test:${edge.port}/socket`,
  );
  await browser.close();
  await edge.line(({ sallyport }) => sallyport.http?.h2 === null);
  const lines = edge.lines().filter(({ sallyport }) => (sallyport.http?.requests ?? 0) > 0);
  assert.ok(lines.length >= 2);
  for (const { event, sallyport } of lines) {
    assert.equal(sallyport.hello.client, 'Chromium');
    assert.equal(sallyport.http?.tool_mismatch, false);
    assert.notEqual(sallyport.http?.os_mismatch, true);
    assert.equal(event.action, 'served');
  }
});

test('Firefox is named and believed', { skip: await missing('firefox-esr') }, async (t) => {
  const edge = await startTestEdge(t, { policy: POLICY, limits: { idleTimeout: '1s' } });
  await openFirefox(t, `https://localhost:${edge.port}/`);
  const { event, sallyport } = await edge.line((line) => (line.sallyport.http?.requests ?? 0) > 0);
  assert.equal(sallyport.hello.client, 'Firefox');
  assert.equal(sallyport.http?.tool_mismatch, false);
  assert.notEqual(sallyport.http?.os_mismatch, true);
  assert.equal(event.action, 'served');
});

test('the beginning of HTTP/2 is told in Akamai’s form', { skip: withoutCurl }, async (t) => {
  const { sallyport, risk } = await audited(t, curl('--http2'));
  assert.match(sallyport.http?.h2 ?? '', /^(?:\d+:\d+)(?:;\d+:\d+)*\|\d+\|0\|m,p,s,a$/);
  assert.equal(risk.calculated_score, 2);
});

test('HTTP/1.1 has no HTTP/2 fingerprint', { skip: withoutCurl }, async (t) => {
  const { sallyport, risk } = await audited(t, curl('--http1.1'));
  assert.equal(sallyport.http?.h2, null);
  assert.equal(risk.calculated_score, 1);
});
