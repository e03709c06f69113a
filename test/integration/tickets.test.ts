import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { skip } from '../support/addon.ts';
import { startTestEdge, type TestEdge } from '../support/edge.ts';

const POLICY = `pdl 1
import "std/tls" as tls
feed strangers of cidr from file "blocked.txt" { }
score none { clamp 0..100  signal stranger +60 when conn.ip in strangers }
policy lax     extends tls.intermediate { }
policy strict  extends lax { tls { groups = [ x25519 ] } rank 20 }
policy without extends lax { tls { tickets off } rank 30 }
site main { listen edge  sni any               score none  ladder { from 0 use lax  from 50 use strict }  on_error use strict }
site off  { listen edge  sni { "held.test" }   score none  ladder { from 0 use without }  on_error use without }
`;

type Version = 'TLSv1.2' | 'TLSv1.3';
const VERSIONS: readonly Version[] = ['TLSv1.2', 'TLSv1.3'];

/** One handshake; returns whether it resumed `session`, and the last session that the server offered. */
async function visit(
  { port, ca }: TestEdge,
  version: Version,
  {
    name = 'localhost',
    session,
    from = '127.0.0.1',
  }: { name?: string; session?: Buffer; from?: string } = {},
): Promise<{ resumed: boolean; sessions: Buffer[] }> {
  const client = connect({
    ...{ port, ca, servername: name, host: '127.0.0.1', localAddress: from },
    ...{ minVersion: version, maxVersion: version, ALPNProtocols: ['http/1.1'] },
    ...(session === undefined ? {} : { session }),
  });
  const sessions: Buffer[] = [];
  client.on('session', (offered) => sessions.push(offered));
  await once(client, 'secureConnect');
  const resumed = client.isSessionReused();
  // why: Node does not tell of a ticket that takes the place of the one resumed in TLS 1.2.
  if (resumed && version === 'TLSv1.2') sessions.push(client.getSession()!);
  // why: TLS 1.3 sends tickets after the handshake; an answer comes behind them.
  client.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  client.resume();
  await once(client, 'close');
  return { resumed, sessions };
}

for (const version of VERSIONS) {
  test(`a ${version} ticket resumes for its name and for no other`, { skip }, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY });
    const [session] = (await visit(edge, version)).sessions;
    assert.equal((await visit(edge, version, { session: session! })).resumed, true);
    assert.equal((await visit(edge, version, { session: session!, name: 'other.test' })).resumed, false);
  });

  test(`a ${version} ticket of one policy does not resume under a stricter one, whose profile holds`, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY });
    edge.write('blocked.txt', '127.0.0.2\n');
    await edge.edge.reload();
    const [session] = (await visit(edge, version)).sessions;
    const strict = await visit(edge, version, { session: session!, from: '127.0.0.2' });
    assert.equal(strict.resumed, false);
    const line = await edge.line(({ source }) => source.ip === '127.0.0.2');
    assert.deepEqual([line.rule.name, line.tls.resumed], ['strict', false]);
  });

  test(`a ${version} ticket outlives a reload that leaves its policy as it is, and is decided about anew`, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY });
    const [session] = (await visit(edge, version)).sessions;
    edge.write('policy.pdl', POLICY.replace('+60', '+70'));
    assert.equal((await edge.edge.reload()).ok, true);
    assert.equal((await visit(edge, version, { session: session! })).resumed, true);
    const closed = 'forbid all when hello.size > 1B do refuse  on_error use strict }\nsite off';
    edge.write('policy.pdl', POLICY.replace('on_error use strict }\nsite off', closed));
    assert.equal((await edge.edge.reload()).ok, true);
    await assert.rejects(visit(edge, version, { session: session! }), /access.denied/);
  });

  test(`a ${version} ticket of the key before the last rotation resumes, one of an older key does not`, {
    skip,
  }, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY, threads: 2 });
    const [session] = (await visit(edge, version)).sessions;
    edge.edge.rotateTicketKeys();
    const again = await visit(edge, version, { session: session! });
    assert.equal(again.resumed, true);
    edge.edge.rotateTicketKeys();
    assert.equal((await visit(edge, version, { session: session! })).resumed, false);
    assert.equal((await visit(edge, version, { session: again.sessions.at(-1)! })).resumed, true);
  });

  test(`no ${version} ticket is given where the policy has them off`, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY });
    const { sessions } = await visit(edge, version, { name: 'held.test' });
    const resumed =
      sessions[0] === undefined
        ? false
        : (await visit(edge, version, { name: 'held.test', session: sessions[0] })).resumed;
    assert.equal(resumed, false);
  });
}

test('as many TLS 1.3 tickets are given as the configuration says', { skip }, async (t) => {
  const edge = await startTestEdge(t, { policy: POLICY, tls: { tickets: 3 } });
  assert.equal((await visit(edge, 'TLSv1.3')).sessions.length, 3);
});
