import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, TLSSocket } from 'node:tls';
import { createEngine, type EngineDecision, type PolicyEngine, PolicyError } from '../../src/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { ACTIONS_POLICY, TEST_NAMES } from '../support/edge.ts';
import { captureHello, grown, untilClosed } from '../support/hello.ts';
import { sClient } from '../support/tools.ts';

const CLIENT = { ip: '203.0.113.7' };

interface Place {
  readonly engine: PolicyEngine;
  readonly path: string;
  write(name: string, text: string): void;
}

function start(
  t: TestContext,
  options: { readonly helloTimeoutMs?: number; readonly maxHelloBytes?: number } = {},
): Place {
  process.env.SALLYPORT_TEST_PUZZLE_KEY = 'an example key that is long enough';
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-library-'));
  const write = (name: string, text: string): void => writeFileSync(join(directory, name), text);
  write('policy.pdl', ACTIONS_POLICY);
  write('blocked.txt', '192.0.2.0/24\n');
  const path = join(directory, 'policy.pdl');
  const engine = createEngine({ policy: path, ...options });
  t.after(() => {
    engine.close();
    rmSync(directory, { recursive: true });
  });
  return { engine, path, write };
}

/** A TCP server that lets the engine look at each client, then serves or turns it away. */
async function serve(
  t: TestContext,
  engine: PolicyEngine,
): Promise<{ readonly port: number; readonly ca: string; readonly decisions: EngineDecision[] }> {
  const pair = await makeCertificate({ names: TEST_NAMES });
  const decisions: EngineDecision[] = [];
  const server = createServer({ pauseOnConnect: true }, async (socket: Socket) => {
    const decision = await engine.look(socket);
    decisions.push(decision);
    if (decision.action !== 'accept') return engine.turnAway(socket, decision);
    const secureContext = engine.secureContext(decision, { cert: pair.certificate, key: pair.key });
    const tls = new TLSSocket(socket, { isServer: true, secureContext });
    tls.on('error', () => {});
    tls.on('secure', () => {
      engine.count(decision, 'handshake');
      tls.end(`${decision.policy} ${tls.getProtocol()}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, ca: pair.certificate, decisions };
}

test('a hello is decided by its server name, its address and the policy', async (t) => {
  const { engine } = start(t);
  const hello = await captureHello({ servername: 'modern.test' });
  const served = engine.decide(CLIENT, hello);
  assert.equal(served.policy, 'modern');
  assert.equal(served.action, 'accept');
  assert.equal(served.hello!.sni, 'modern.test');
  assert.match(served.hello!.ja4, /^t13d/);
  const listed = engine.decide({ ip: '192.0.2.9' }, await captureHello());
  assert.equal(listed.action, 'refuse');
  assert.equal(listed.alert, 'access_denied');
  assert.equal(listed.score, 100);
  assert.deepEqual(listed.matched, ['listed']);
});

test('a challenge comes with its difficulty', async (t) => {
  const { engine } = start(t);
  const { challenge } = engine.decide(CLIENT, await captureHello({ servername: 'puzzle.test' }));
  assert.deepEqual(challenge, { name: 'puzzle', difficulty: 8 });
});

test('a decision names the side of a canary and what shadow would do', async (t) => {
  const { engine, write } = start(t);
  write(
    'policy.pdl',
    `pdl 1
import "std/tls" as tls
score none { clamp 0..100 }
policy low extends tls.intermediate { }
site main {
  listen edge  sni any  score none  ladder { from 0 use low }  on_error use low
  canary 100% by conn.ip deny all when hello.size > 1B do reset
  shadow deny watched when hello.size > 1B do drop
}
`,
  );
  engine.reload();
  const decided = engine.decide(CLIENT, await captureHello({ servername: 'modern.test' }));
  assert.deepEqual(decided.canaries, [{ name: 'all', arm: 'canary' }]);
  assert.deepEqual(decided.wouldMatch, ['watched']);
  assert.deepEqual([decided.action, decided.wouldDecide?.action], ['reset', 'drop']);
});

test('a hello that cannot be read is refused and says why', (t) => {
  const { engine } = start(t);
  const { action, error } = engine.decide(CLIENT, Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  assert.equal(action, 'refuse');
  assert.equal(error!.code, 'not_tls');
});

test('a hello that is cut short is refused, never let in', async (t) => {
  const { engine } = start(t);
  const hello = await captureHello();
  const { action, error } = engine.decide(CLIENT, hello.subarray(0, hello.length - 1));
  assert.equal(action, 'refuse');
  assert.equal(error!.code, 'hello_incomplete');
});

test('what is no address is an error of the caller', async (t) => {
  const { engine } = start(t);
  assert.throws(() => engine.decide({ ip: 'localhost' }, Buffer.alloc(0)), /is not an IP address/);
});

test('engines that share their state draw on the same limits', async (t) => {
  const { engine, path } = start(t);
  const twin = createEngine({ policy: path, state: engine.state });
  t.after(() => twin.close());
  const hello = await captureHello({ servername: 'limited.test' });
  assert.equal(engine.decide(CLIENT, hello).tier, 'ladder');
  assert.equal(twin.decide(CLIENT, hello).tier, 'ladder');
  assert.equal(engine.decide(CLIENT, hello).tier, 'limit');
});

test('a policy with an error is refused with its place', (t) => {
  const { engine, write } = start(t);
  const before = engine.imageId;
  write('policy.pdl', ACTIONS_POLICY.replace('site modern  {', 'site modern  { lisen edge'));
  assert.throws(
    () => engine.reload(),
    (error: PolicyError) =>
      error instanceof PolicyError && error.diagnostics[0]!.line > 1 && /:\d+:\d+: /.test(error.message),
  );
  assert.equal(engine.imageId, before);
});

test('a server serves an accepted client with the profile of its policy', async (t) => {
  const { engine } = start(t);
  const { port, ca } = await serve(t, engine);
  const client = connect({ port, host: '127.0.0.1', servername: 'modern.test', ca, maxVersion: 'TLSv1.3' });
  const [data] = (await once(client, 'data')) as [Buffer];
  assert.equal(data.toString(), 'modern TLSv1.3');
  await untilClosed(client);
});

test('a server refuses with the alert of the policy', async (t) => {
  const { engine } = start(t);
  const { port } = await serve(t, engine);
  const { stderr } = await sClient(port, '-servername', 'refused.test');
  assert.match(stderr, /alert access denied/);
});

test('a tarpitted client hears nothing and is let go in time', async (t) => {
  const { engine } = start(t);
  const { port } = await serve(t, engine);
  const client = connectTcp(port, '127.0.0.1').on('error', () => {});
  const started = performance.now();
  client.write(await captureHello({ servername: 'held.test' }));
  const { bytes } = await untilClosed(client);
  assert.equal(bytes.length, 0);
  assert.ok(performance.now() - started >= 250);
});

test('a client that sends no hello is turned away at the deadline', async (t) => {
  const { engine } = start(t, { helloTimeoutMs: 100 });
  const { port, decisions } = await serve(t, engine);
  const client = connectTcp(port, '127.0.0.1').on('error', () => {});
  assert.equal((await untilClosed(client)).reset, true);
  assert.equal(decisions[0]!.error!.code, 'hello_timeout');
});

test('a hello that is larger than its policy allows is refused', async (t) => {
  const { engine } = start(t, { maxHelloBytes: 65_536 });
  const decision = engine.decide(CLIENT, grown(await captureHello({ servername: 'modern.test' }), 16_384));
  assert.equal(decision.error!.code, 'hello_too_large');
  assert.match(decision.error!.message, /its policy allows 16384$/);
  assert.deepEqual([decision.action, decision.alert], ['refuse', 'record_overflow']);
});

test('a decision that accepts nobody has no TLS context', async (t) => {
  const { engine } = start(t);
  const decision = engine.decide(CLIENT, await captureHello({ servername: 'refused.test' }));
  assert.throws(() => engine.secureContext(decision, { cert: '', key: '' }), TypeError);
});

test('a policy that asks for client certificates is refused, and the policy in force stays', async (t) => {
  const { engine, write } = start(t);
  const { imageId } = engine;
  write('roots.pem', (await makeCertificate({ names: ['roots.test'] })).certificate);
  write(
    'policy.pdl',
    ACTIONS_POLICY.replace(
      'policy modern ',
      'ca roots from file "roots.pem"\npolicy asking extends tls.modern { client_cert require { trust [ roots ] } }\npolicy modern ',
    ),
  );
  assert.throws(
    () => engine.reload(),
    (error: PolicyError) => error.diagnostics.some(({ code }) => code === 'LIB-001'),
  );
  assert.equal(engine.imageId, imageId);
});
