import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import { type Finished, run } from '../support/tools.ts';

const POLICY = `pdl 1
import "std/tls" as tls
secret puzzle_key from env "SALLYPORT_TEST_PUZZLE_KEY"
challenge puzzle {
  kind pow  algorithm sha256_bits  difficulty 8  solve_within 30s
  clears for 1h per conn.ip (v4 32, v6 64)  secret puzzle_key
}
score risk {
  clamp 0..100
  signal tool +60 when http.user_agent == "scanner/1"
}
policy served  extends tls.intermediate { }
policy puzzled extends served { challenge puzzle  rank 10 }
policy refused extends served { action refuse alert access_denied  rank 90 }
site other {
  listen edge  sni any  score risk
  deny deletes when http.method == "DELETE" do refuse alert access_denied
  deny resets when http.path == "/reset" do reset
  deny drops when http.path == "/drop" do drop
  deny holds when http.path == "/hold" do tarpit 200ms
  deny second when http.path == "/second" and not http.first do refuse alert access_denied
  pin login when http.path == "/login" use puzzled
  ladder { from 0 use served  from 51 use puzzled }
  on_error use refused
}
`;

function start(t: TestContext): Promise<TestEdge> {
  return startTestEdge(t, { policy: POLICY, limits: { handshakeTimeout: '300ms' } });
}

for (const version of ['--http1.1', '--http2']) {
  const ask = ({ port, caFile }: TestEdge, path: string, ...more: string[]): Promise<Finished> =>
    run('curl', ['-sS', version, '--cacert', caFile, ...more, `https://localhost:${port}${path}`]);

  test(`a request that no rule names goes to the upstream (${version})`, async (t) => {
    const edge = await start(t);
    const { code, stdout } = await ask(edge, '/plain');
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).url, '/plain');
    assert.equal((await edge.line()).event.action, 'served');
  });

  test(`a request that a rule refuses is answered 403 and its connection closed (${version})`, async (t) => {
    const edge = await start(t);
    const { stdout } = await ask(edge, '/x', '-X', 'DELETE', '-w', '%{http_code}');
    assert.match(stdout, /policy_refused/);
    assert.match(stdout, /403$/);
    const audit = await edge.line();
    assert.equal(audit.event.action, 'refused');
    assert.deepEqual(audit.sallyport.matched, ['deletes']);
    assert.equal(audit.tls.established, true);
  });

  test(`a path is compared as RFC 3986 normalises it (${version})`, async (t) => {
    const edge = await start(t);
    const { code } = await ask(edge, '/a/../%72eset?x=1', '--path-as-is');
    assert.notEqual(code, 0);
    assert.equal((await edge.line()).event.action, 'reset');
  });

  test(`a request that is dropped is never answered (${version})`, async (t) => {
    const edge = await start(t);
    const { code, stdout } = await ask(edge, '/drop');
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
    assert.equal((await edge.line()).event.action, 'dropped');
  });

  test(`a request can be held as long as a tarpit says (${version})`, async (t) => {
    const edge = await start(t);
    const { code, stdout } = await ask(edge, '/hold');
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
    const audit = await edge.line();
    assert.equal(audit.event.action, 'tarpitted');
    assert.ok(audit.event.duration >= 200_000_000, `${audit.event.duration} ns`);
  });

  test(`a path can ask for a challenge that other paths do not (${version})`, async (t) => {
    const edge = await start(t);
    const posed = await ask(edge, '/login', '-w', '%{http_code}');
    assert.match(posed.stdout, /Proof of work required/);
    const free = await ask(edge, '/plain', '-w', '%{http_code}');
    assert.match(free.stdout, /200$/);
  });

  test(`what a request tells counts in the score (${version})`, async (t) => {
    const edge = await start(t);
    const { stdout } = await ask(edge, '/plain', '-A', 'scanner/1');
    assert.match(stdout, /Proof of work required/);
    const audit = await edge.line();
    assert.equal(audit.risk.calculated_score, 60);
    assert.equal(audit.rule.name, 'puzzled');
  });

  test(`each request of a connection is decided by itself (${version})`, async (t) => {
    const edge = await start(t);
    const { port } = edge;
    const { stdout } = await ask(edge, '/second', '-w', '%{http_code} ', `https://localhost:${port}/second`);
    assert.match(stdout, /200 .*403 $/s);
    assert.equal((await edge.line()).sallyport.http?.requests, 2);
  });

  test(`a request with more than can be decided about is answered 431 (${version})`, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY, limits: { headerBytes: 65_536 } });
    const { stdout } = await ask(edge, '/plain', '-A', 'x'.repeat(30_000), '-w', '%{http_code}');
    assert.match(stdout, /431$/);
  });
}

test('the rules of a reload apply to the next request of an open connection', async (t) => {
  const edge = await start(t);
  const { Agent, request } = await import('node:https');
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: edge.ca });
  t.after(() => agent.destroy());
  const get = (): Promise<number> =>
    new Promise((resolve, reject) => {
      request(
        { agent, host: '127.0.0.1', servername: 'localhost', port: edge.port, path: '/new' },
        (response) => {
          response.resume().once('end', () => resolve(response.statusCode!));
        },
      )
        .once('error', reject)
        .end();
    });
  assert.equal(await get(), 200);
  edge.write('policy.pdl', POLICY.replace('"/reset" do reset', '"/new" do refuse alert access_denied'));
  await edge.edge.reload();
  assert.equal(await get(), 403);
});
