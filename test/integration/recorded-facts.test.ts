import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDecision } from '../../src/audit/find.ts';
import { startTestEdge } from '../support/edge.ts';
import { missing, run } from '../support/tools.ts';

const withoutCurl = await missing('curl');

const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal asks +1 when http.path == "/asked"  signal often +1 when client.handshakes > 100 }
policy served extends tls.intermediate { }
policy refused extends served { action refuse alert access_denied  rank 90 }
site all { listen edge  sni any  score none  ladder { from 0 use served }  on_error use refused }
`;

test('with audit.facts an audited decision keeps every fact that was known, for explain', {
  skip: withoutCurl,
}, async (t) => {
  const config = { audit: { file: 'audit.jsonl', facts: true } };
  const edge = await startTestEdge(t, { policy: POLICY, config });
  await run('curl', ['-sS', '--http1.1', '--cacert', edge.caFile, `https://localhost:${edge.port}/asked`]);
  const { event, sallyport } = await edge.line();
  const decision = await findDecision(`${edge.directory}/audit.jsonl`, event.id);
  assert.ok(typeof decision === 'object');
  const { facts } = decision;
  assert.equal(facts['conn.ip'], '127.0.0.1');
  assert.equal(facts['hello.sni'], 'localhost');
  assert.equal(facts['hello.client'], 'curl');
  assert.equal(facts['hello.ja4'], sallyport.hello.ja4);
  assert.deepEqual(facts['hello.alpn'], ['http/1.1']);
  assert.ok((facts['hello.ciphers'] as readonly number[]).includes(0x1301));
  assert.ok((facts['hello.extensions'] as readonly number[]).includes(0));
  assert.equal(facts['hello.grease'], false);
  assert.equal(facts['conn.proxied'], false);
  assert.equal(facts['http.path'], '/asked');
  assert.deepEqual(facts['http.headers'], ['host', 'user-agent', 'accept']);
  assert.equal(facts['client.tool_mismatch'], false);
  assert.equal(facts['client.handshakes'], 0);
  assert.equal('conn.country' in facts, false);
});

test('without it nothing is kept beyond the line’s own fields', { skip: withoutCurl }, async (t) => {
  const edge = await startTestEdge(t, { policy: POLICY });
  await run('curl', ['-sS', '--cacert', edge.caFile, `https://localhost:${edge.port}/`]);
  const line = (await edge.line()) as unknown as { sallyport: { facts: unknown } };
  assert.equal(line.sallyport.facts, null);
});
