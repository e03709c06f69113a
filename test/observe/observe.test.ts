import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, type EdgeSample } from '../../src/observe/metrics.ts';
import { startMetricsServer } from '../../src/observe/server.ts';
import { makeRecord } from '../support/record.ts';

const SAMPLE: EdgeSample = {
  connections: 3,
  waitingPuzzles: 0,
  stallUs: 1500,
  held: 1,
  evictedTarpits: 2,
  handshakes: 7,
  workers: 2,
  workerRestarts: 0,
  tables: [{ table: 'rates', slots: 64, used: 5, evictions: 3, lost: 1 }],
  dnsLists: [],
  bots: { confirmed: 0, denied: 0, failed: 0 },
  feeds: [],
  modes: [{ name: 'posture', states: ['calm', 'siege'], state: 'siege', forced: false, sinceMs: 0 }],
  databases: [
    {
      database: 'asn',
      type: 'GeoLite2-ASN',
      builtAt: 1_770_245_369,
      bytes: 4_096,
      results: { loaded: 2, refused: 1 },
      reason: 'it is no MaxMind database, or its end is missing',
    },
  ],
  staples: [
    {
      certificate: 'shop',
      untilMs: null,
      mustStaple: true,
      failures: 3,
      reason: 'ECONNREFUSED',
      results: { good: 1, revoked: 0, failed: 3 },
    },
  ],
  ocsp: { hits: 7, misses: 2 },
  audit: { written: 10, lost: 2, queued: 1 },
  policy: { imageId: 'ab'.repeat(32), epoch: 4 },
};

async function page(metrics = createMetrics(() => SAMPLE)): Promise<string> {
  return (await metrics.render()).body;
}

test('a record counts its outcome, decision, handshake and bytes', async () => {
  const metrics = createMetrics(() => SAMPLE);
  metrics.observeRecord(makeRecord());
  metrics.observeRecord(makeRecord({ outcome: 'refused', action: 'refuse', policy: 'high', tls: null }));
  const body = await page(metrics);
  assert.match(body, /sallyport_connections_total\{listener="edge",outcome="served"\} 1\n/);
  assert.match(body, /sallyport_connections_total\{listener="edge",outcome="refused"\} 1\n/);
  assert.match(
    body,
    /sallyport_decisions_total\{site="default",policy="high",action="refuse",tier="ladder"\} 1\n/,
  );
  assert.match(body, /sallyport_handshake_duration_seconds_count\{version="TLSv1.3",resumed="false"\} 1\n/);
  assert.match(body, /sallyport_bytes_total\{direction="in"\} 200\n/);
  assert.match(body, /sallyport_decision_duration_seconds_count 2\n/);
});

test('a canary is counted by its arm, and what is in shadow by what it would have changed', async () => {
  const metrics = createMetrics(() => SAMPLE);
  const shadow = { policy: null, action: 'reset', tier: 'deny', score: 60 } as const;
  const canaries = [{ name: 'some', arm: 'canary' }] as const;
  metrics.observeRecord(makeRecord({ canaries, wouldMatch: ['odd'], shadow }));
  const same = { policy: 'low', action: 'accept', tier: 'ladder', score: 35 } as const;
  metrics.observeRecord(makeRecord({ canaries: [{ name: 'some', arm: 'rest' }], shadow: same }));
  const body = await page(metrics);
  assert.match(body, /sallyport_canary_decisions_total\{canary="some",arm="canary",action="accept"\} 1\n/);
  assert.match(body, /sallyport_canary_decisions_total\{canary="some",arm="rest",action="accept"\} 1\n/);
  assert.match(body, /sallyport_would_match_total\{site="default",name="odd"\} 1\n/);
  const counted = (rest: string): RegExp =>
    new RegExp(`sallyport_would_decide_total\\{site="default",${rest}\\} 1\n`);
  assert.match(body, counted('policy="none",action="reset",tier="deny",differs="true"'));
  assert.match(body, counted('policy="low",action="accept",tier="ladder",differs="false"'));
});

test('what the edge keeps itself is sampled, and sampling twice does not add up', async () => {
  const metrics = createMetrics(() => SAMPLE);
  await page(metrics);
  const body = await page(metrics);
  assert.match(body, /sallyport_connections_open 3\n/);
  assert.match(body, /sallyport_table_evictions_total\{table="rates"\} 3\n/);
  assert.match(body, /sallyport_audit_lines_total\{result="lost"\} 2\n/);
  assert.match(body, /sallyport_policy_info\{image="abab[0-9a-f]*"\} 1\n/);
});

test('a new policy replaces the old one in the info metric', async () => {
  let imageId = 'aa';
  const metrics = createMetrics(() => ({ ...SAMPLE, policy: { imageId, epoch: 1 } }));
  await page(metrics);
  imageId = 'bb';
  assert.equal((await page(metrics)).match(/^sallyport_policy_info\{/gm)?.length, 1);
});

test('reloads are counted by result', async () => {
  const metrics = createMetrics(() => SAMPLE);
  metrics.observeReload('refused');
  const body = await page(metrics);
  assert.match(body, /sallyport_policy_reloads_total\{result="refused"\} 1\n/);
  assert.match(body, /sallyport_policy_reloads_total\{result="ok"\} 0\n/);
});

test('no label comes from the client, whatever ten thousand clients send', async () => {
  const metrics = createMetrics(() => SAMPLE);
  const before = (await page(metrics)).split('\n').length;
  for (let n = 0; n < 10_000; n++) {
    const hello = { ...makeRecord().hello!, sni: `host${n}.example`, ja4: `t13d${n}`, ja3Hash: `j${n}` };
    metrics.observeRecord(makeRecord({ clientIp: `203.0.113.${n % 256}`, hello, error: `error ${n}` }));
  }
  const body = await page(metrics);
  assert.ok(body.split('\n').length < before + 150);
  assert.doesNotMatch(body, /203\.0\.113|host\d+\.example|t13d/);
});

test('the server answers health, readiness and metrics', async () => {
  let ready = false;
  const metrics = createMetrics(() => SAMPLE);
  const server = await startMetricsServer({
    address: { host: '127.0.0.1', port: 0 },
    metrics,
    ready: () => ready,
  });
  const get = (path: string, method = 'GET'): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  try {
    assert.equal((await get('/healthz')).status, 200);
    assert.equal((await get('/ready')).status, 503);
    ready = true;
    assert.equal((await get('/ready')).status, 200);
    const scrape = await get('/metrics');
    assert.match(scrape.headers.get('content-type')!, /^text\/plain/);
    assert.match(await scrape.text(), /sallyport_workers 2\n/);
    assert.equal((await get('/nowhere')).status, 404);
    assert.equal((await get('/metrics', 'POST')).status, 405);
  } finally {
    await server.close();
  }
});

test('a taken port rejects with EADDRINUSE', async () => {
  const metrics = createMetrics(() => SAMPLE);
  const options = { metrics, ready: () => true };
  const first = await startMetricsServer({ address: { host: '127.0.0.1', port: 0 }, ...options });
  try {
    await assert.rejects(
      startMetricsServer({ address: { host: '127.0.0.1', port: first.port }, ...options }),
      {
        code: 'EADDRINUSE',
      },
    );
  } finally {
    await first.close();
  }
});

test('what OCSP tells of our certificates and of clients’ is counted', async () => {
  const body = await page();
  assert.match(body, /^sallyport_ocsp_staple_seconds\{certificate="shop"\} 0$/m);
  assert.match(body, /^sallyport_ocsp_staple_refreshes_total\{certificate="shop",result="failed"\} 3$/m);
  assert.match(body, /^sallyport_ocsp_lookups_total\{result="hit"\} 7$/m);
  assert.match(body, /^sallyport_ocsp_lookups_total\{result="miss"\} 2$/m);
});
