/** Lines of a policy that are in force for a share of the clients, or only watched. */
import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { type AuditLine, startTestEdge, type TestEdge } from '../support/edge.ts';
import { untilClosed } from '../support/hello.ts';

/** `rules` and `signals` of a site that serves everybody else. */
function policy(parts: { rules?: string; signals?: string; ladders?: string }): string {
  return `pdl 1
import "std/tls" as tls
score risk { clamp 0..100  ${parts.signals ?? ''} }
policy served  extends tls.intermediate { }
policy refused extends served { action refuse alert access_denied  rank 90 }
site main {
  listen edge
  sni any
  score risk
  ${parts.rules ?? ''}
  ladder { from 0 use served  from 51 use refused }
  ${parts.ladders ?? ''}
  on_error use refused
}
`;
}

/** One client from an address of the loopback network; answers with its audit line. */
async function visit({ port, ca, line }: TestEdge, localAddress: string): Promise<AuditLine> {
  const socket = connectTcp({ port, host: '127.0.0.1', localAddress });
  const client = connect({ socket, servername: 'localhost', ca });
  client.on('error', () => {});
  client.once('secureConnect', () => client.end());
  const closed = untilClosed(socket);
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  const { localPort } = socket;
  await closed;
  return line(({ source }) => source.ip === localAddress && source.port === localPort);
}

const ADDRESSES = Array.from({ length: 24 }, (_, i) => `127.0.0.${i + 2}`);

async function arms(edge: TestEdge): Promise<string[]> {
  const found: string[] = [];
  for (const address of ADDRESSES) {
    const { sallyport, event } = await visit(edge, address);
    const { canary, action } = sallyport;
    assert.deepEqual(
      canary.map(({ name }) => name),
      ['some'],
    );
    const { arm } = canary[0]!;
    assert.equal(action, arm === 'canary' ? 'refuse' : 'accept');
    assert.equal(event.action, arm === 'canary' ? 'refused' : 'served');
    found.push(arm);
  }
  return found;
}

const SOME = 'canary 50% by conn.ip deny some when hello.size > 1B do refuse alert access_denied';

test('a canary is in force for its share of the clients, and a client keeps its side', async (t) => {
  const edge = await startTestEdge(t, { policy: policy({ rules: SOME }) });
  const first = await arms(edge);
  assert.deepEqual(new Set(first), new Set(['canary', 'rest']));
  assert.deepEqual(await arms(edge), first);
});

test('a canary of all clients leaves nobody out', async (t) => {
  const edge = await startTestEdge(t, { policy: policy({ rules: SOME.replace('50%', '100%') }) });
  assert.deepEqual(new Set(await arms(edge)), new Set(['canary']));
});

test('what is in shadow is reported and not enforced', async (t) => {
  const edge = await startTestEdge(t, {
    policy: policy({
      signals: 'shadow signal odd +60 when hello.size > 1B',
      rules: 'shadow deny large when hello.size > 1B do reset',
    }),
  });
  const { event, risk, sallyport } = await visit(edge, '127.0.0.2');
  assert.equal(event.action, 'served');
  assert.equal(risk.calculated_score, 0);
  assert.deepEqual(sallyport.matched, []);
  assert.deepEqual(sallyport.would_match, ['large', 'odd']);
  assert.deepEqual(sallyport.would_decide, { policy: null, action: 'reset', tier: 'deny', score: 60 });
});

test('a ladder in shadow answers in full beside the one in force', async (t) => {
  const edge = await startTestEdge(t, {
    policy: policy({ ladders: 'shadow ladder { from 0 use refused }' }),
  });
  const { event, sallyport } = await visit(edge, '127.0.0.2');
  assert.equal(event.action, 'served');
  assert.deepEqual(sallyport.would_decide, { policy: 'refused', action: 'refuse', tier: 'ladder', score: 0 });
});

test('without anything in shadow nothing is said of it', async (t) => {
  const edge = await startTestEdge(t, { policy: policy({}) });
  const { sallyport } = await visit(edge, '127.0.0.2');
  assert.equal(sallyport.would_decide, null);
  assert.deepEqual([sallyport.would_match, sallyport.canary], [[], []]);
});
