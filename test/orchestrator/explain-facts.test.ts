import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type ExplainOutcome, explainFacts } from '../../src/orchestrator/explain-facts.ts';
import type { Explanation } from '../../src/pdl/explain/explanation.ts';

const directory = mkdtempSync(join(tmpdir(), 'sallyport-explain-'));
after(() => rmSync(directory, { recursive: true }));

const POLICY = join(directory, 'policy.pdl');
writeFileSync(
  POLICY,
  `pdl 1
import "std/tls" as tls
set office of cidr = { 192.0.2.0/28 }
feed listed of cidr from file "listed.txt" { on_stale keep }
counter hellos per conn.ip window 10s of hello
score risk {
  clamp 0..100
  group shape cap 30 {
    signal no_sni  +20 when unknown hello.sni
    signal no_alpn +20 when count(hello.alpn) == 0
  }
  signal is_listed +30 when conn.ip in listed
  signal far       +10 when conn.country == KP
  signal old       +15 when hello.max_version < tls1.3
  signal burst     +0..40 ramp rate(hellos) from 1/s to 9/s
  signal slow      +0..20 ramp conn.rtt from 100ms to 900ms
}
policy low  extends tls.intermediate { }
policy mid  extends low { rank 20  log all }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site main {
  listen edge
  sni any
  score risk
  ladder { from 0 use low  from 30 use mid  from 70 use high }
  on_error use low
  exempt staff when conn.ip in office use low
  deny   export when hello.ciphers has TLS_RSA_WITH_RC4_128_SHA do drop
  deny   geo when conn.country in { KP } do reset
}
`,
);
writeFileSync(join(directory, 'listed.txt'), '198.51.100.0/24\n');

function outcome(given: string, site: string | null = null): ExplainOutcome {
  return explainFacts({ path: POLICY, given, site });
}

function explained(given: string): Explanation {
  const { explanation, diagnostics } = outcome(given);
  assert.deepEqual(diagnostics, []);
  return explanation!;
}

test('the score is explained group by group, with caps', () => {
  const { score, decision } = explained('unknown hello.sni  hello.alpn [ ]  conn.ip 198.51.100.7');
  assert.deepEqual([score.value, decision.policy, decision.tier], [60, 'mid', 'ladder']);
  const [shape, alone] = score.groups;
  assert.deepEqual([shape!.name, shape!.sum, shape!.points, shape!.cap], ['shape', 40, 30, 30]);
  assert.deepEqual([alone!.name, alone!.points], [null, 30]);
  assert.deepEqual(
    alone!.signals.filter(({ points }) => points !== 0).map(({ name, points }) => [name, points]),
    [['is_listed', 30]],
  );
});

test('the ladder is told with the range of each rung', () => {
  const { ladder } = explained('conn.ip 203.0.113.7');
  assert.deepEqual(
    ladder.map(({ from, to, policy, reached }) => [from, to, policy, reached]),
    [
      [0, 29, 'low', true],
      [30, 69, 'mid', false],
      [70, 100, 'high', false],
    ],
  );
});

test('a rule that holds names its tier, and one that an unknown fact keeps from holding says so', () => {
  const { rules, decision } = explained('conn.ip 192.0.2.3  unknown conn.country');
  assert.deepEqual([decision.tier, decision.policy], ['exempt', 'low']);
  assert.deepEqual(
    rules.map(({ name, held, unknown }) => [name, held, unknown]),
    [
      ['staff', true, []],
      ['export', false, []],
      ['geo', false, ['conn.country']],
    ],
  );
});

test('feeds that are not given are read from their files', () => {
  assert.equal(explained('conn.ip 198.51.100.7').score.value, 30);
  assert.equal(explained('conn.ip 198.51.100.7  feed listed { 10.0.0.0/8 }').score.value, 0);
});

test('every change that is told does alter the decision, as it is written', () => {
  for (const given of [
    'conn.ip 203.0.113.7',
    'conn.ip 198.51.100.7  conn.rtt 120ms',
    'unknown hello.sni  hello.alpn [ ]  conn.ip 198.51.100.7  rate hellos 3/s',
    'conn.ip 192.0.2.3',
    'hello.ciphers [ TLS_RSA_WITH_RC4_128_SHA ]',
    'conn.country KP',
    'unknown hello.sni  rate hellos 9/s  hello.max_version tls1.2  conn.rtt 1s',
    'feed listed { }',
  ]) {
    const now = explained(given);
    assert.ok(now.nearest.length > 0, given);
    for (const change of now.nearest) {
      const then = explained(`${given}  ${change.given.join('  ')}`);
      const { policy, action, challenge } = then.decision;
      const told = [change.policy, change.action, change.challenge, change.score];
      assert.deepEqual([policy, action, challenge, then.score.value], told, `${given} + ${change.given}`);
      assert.notDeepEqual([policy, action], [now.decision.policy, now.decision.action], given);
    }
  }
});

test('a mistake in what is given is shown in what was given', () => {
  const { explanation, diagnostics, sources } = outcome('conn.ip 203.0.113.7\nunknown hello.snii');
  assert.equal(explanation, null);
  const [found, ...others] = diagnostics;
  assert.equal(others.length, 0);
  assert.deepEqual([found!.code, found!.line, found!.column], ['PDL-N006', 2, 9]);
  assert.match(sources.get(found!.file)!, /hello\.snii/);
});

test('a site that is not there, and a choice among several, name the sites', () => {
  const wrong = outcome('conn.ip 203.0.113.7', 'nowhere').diagnostics[0]!;
  assert.match(`${wrong.message} ${wrong.help}`, /no site called `nowhere`.*--site: main/);
  const two = fileURLToPath(new URL('../../policies/std/tls.pdl', import.meta.url));
  const none = explainFacts({ path: two, given: '', site: null }).diagnostics[0]!;
  assert.match(none.message, /has 0 sites/);
});

test('text that breaks out of its block is an error, not a decision', () => {
  const { explanation, diagnostics } = outcome('} expect { } } site other { ');
  assert.equal(explanation, null);
  assert.ok(diagnostics.length > 0);
});
