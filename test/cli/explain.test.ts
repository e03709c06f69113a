import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { formatRecord } from '../../src/audit/format.ts';
import { makeRecord } from '../support/record.ts';
import { jsonLines, SMALL, Workspace } from './support.ts';

const workspace = new Workspace();
after(() => workspace.remove());
const sallyport = workspace.sallyport.bind(workspace);
workspace.file('policy.pdl', SMALL);

const REFUSED = '0a1b2c3d-0000-4000-8000-00000000000a';
const records = [
  makeRecord({ id: '0a1b2c3d-0000-4000-8000-000000000001' }),
  makeRecord({
    id: REFUSED,
    site: 'main',
    policy: 'high',
    action: 'refuse',
    alert: 'access_denied',
    outcome: 'refused',
    score: 90,
    parts: [
      { name: 'no_sni', group: 'shape', points: 30 },
      { name: 'is_listed', group: null, points: 60 },
    ],
    matched: ['no_sni', 'is_listed'],
    tls: null,
  }),
];
workspace.file('audit.jsonl', `${records.map(formatRecord).join('\n')}\nno JSON at all ${REFUSED}\n`);

test('facts given on the line are explained', () => {
  const args = ['explain', '--policy', 'policy.pdl', 'unknown hello.sni', 'conn.ip 198.51.100.9'];
  const { status, stdout, stderr } = sallyport(args);
  assert.equal(status, 0, stderr);
  const { decision, score } = jsonLines(stdout)[0] as { decision: object; score: { value: number } };
  assert.deepEqual(decision, {
    tier: 'ladder',
    policy: 'high',
    action: 'refuse alert access_denied',
    challenge: null,
    difficulty: null,
  });
  assert.equal(score.value, 90);
  const human = sallyport([...args, '--format', 'human']).stdout;
  assert.match(human, /site main: policy high, refuse alert access_denied/);
  assert.match(human, /\+30 {2}shape {9}no_sni \+30\n/);
  assert.match(human, /▶ {2}60\.\.100 {2}high/);
  assert.match(human, /conn\.ip 203\.0\.113\.1 {2}→ policy low, accept \(score 30\)/);
});

test('a recorded decision is found by its id and explained by its points', () => {
  const args = ['explain', REFUSED, '--audit', 'audit.jsonl', '--policy', 'policy.pdl'];
  const { status, stdout, stderr } = sallyport(args);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /image abababababab decided, and this policy is image [0-9a-f]{12}/);
  const [found] = jsonLines(stdout) as { id: string; explanation: { nearest: unknown[] } }[];
  assert.equal(found!.id, REFUSED);
  const low = { policy: 'low', action: 'accept', challenge: null };
  assert.deepEqual(found!.explanation.nearest, [
    { given: ['31 points fewer'], ...low, score: 59 },
    { given: ['without is_listed'], ...low, score: 30 },
  ]);
});

test('without the policy a recorded decision shows what was recorded', () => {
  const { status, stdout } = sallyport(['explain', REFUSED, '--audit', 'audit.jsonl', '--format', 'human']);
  assert.equal(status, 0);
  assert.match(
    stdout,
    /site main: policy high, refuse \(by ladder\)\nscore 90: no_sni \+30, is_listed \+60\n/,
  );
});

test('a recorded decision shows every fact of the client that its line has, as a policy writes it', () => {
  const id = '0a1b2c3d-0000-4000-8000-00000000000b';
  const record = makeRecord({
    id,
    proxyIp: '192.0.2.1',
    syn: '4:57+7:0:1452:mss*44,10:mss,sok,ts,nop,ws:df,id+:0',
    stack: {
      ...{ os: 'Linux 5.x or 6.x', family: 'Linux', generic: false, fuzzy: false },
      ...{ hops: 7, mtu: 1_492, link: 'PPPoE' },
    },
    tlsClient: {
      ...{ name: 'curl', kind: 'tool', versions: '8.5', library: 'OpenSSL', level: 'exact' },
      candidates: ['curl'],
    },
  });
  workspace.file('known.jsonl', `${formatRecord(record)}\n`);
  const args = ['explain', id, '--audit', 'known.jsonl'];
  const [{ facts }] = jsonLines(sallyport(args).stdout) as unknown as [{ facts: object }];
  assert.deepEqual(facts, {
    'conn.ip': '203.0.113.7',
    'conn.port': 50_000,
    'conn.listener': 'edge',
    'conn.asn': 64_500,
    'conn.country': 'NL',
    'conn.syn': record.syn,
    'conn.ttl': 57,
    'conn.mss': 1_452,
    'conn.rtt': 900,
    'conn.proxied': true,
    'time.now': record.startedAtMs,
    'hello.sni': 'shop.example',
    'hello.max_version': 0x0304,
    'hello.alpn': ['h2'],
    'hello.ja3': '0123456789abcdef0123456789abcdef',
    'hello.ja4': 't13d1516h2_8daaf6152771_02713d6af862',
    'hello.size': 517,
    'hello.records': 1,
    'hello.complete_in': 10,
    'hello.client': 'curl',
    'conn.os': 'Linux 5.x or 6.x',
    'conn.os_family': 'Linux',
    'conn.hops': 7,
    'client.os_mismatch': false,
    'client.tool_mismatch': true,
    'http.user_agent': 'curl/8.5.0',
    'conn.mtu': 1_492,
    'conn.link': 'PPPoE',
  });
  const human = sallyport([...args, '--format', 'human']).stdout;
  assert.match(human, /^ {2}conn\.link +"PPPoE"$/m);
  assert.match(human, /^ {2}hello\.client +"curl"$/m);
  assert.match(human, /^ {2}hello\.max_version +tls1\.3$/m);
});

test('what somebody wrote into an audit log is shown only where it can be a fact, and never steers the terminal', () => {
  const id = '0a1b2c3d-0000-4000-8000-00000000000c';
  const line = JSON.parse(formatRecord(makeRecord({ id })));
  line.user_agent.original = 'curl\u001b[2J';
  line.sallyport.os = { evil: true };
  line.sallyport.hops = null;
  workspace.file('odd.jsonl', `${JSON.stringify(line)}\n`);
  const { status, stdout } = sallyport(['explain', id, '--audit', 'odd.jsonl', '--format', 'human']);
  assert.equal(status, 0);
  assert.match(stdout, /http\.user_agent +"curl\?\[2J"/);
  assert.doesNotMatch(stdout, /conn\.os |conn\.hops/);
});

test('a part of an id is enough while one decision alone begins so', () => {
  const { status, stderr } = sallyport(['explain', '0a1b2c3d-0000', '--audit', 'audit.jsonl']);
  assert.equal(status, 1);
  assert.match(stderr, /several ids begin with/);
  assert.equal(sallyport(['explain', REFUSED.slice(0, -1), '--audit', 'audit.jsonl']).status, 1);
  workspace.file('one.jsonl', `${formatRecord(records[1]!)}\n`);
  assert.equal(sallyport(['explain', REFUSED.slice(0, 9), '--audit', 'one.jsonl']).status, 0);
});

test('what cannot be explained says why', () => {
  const cases: readonly [args: string[], status: number, reason: RegExp][] = [
    [['conn.ip 203.0.113.7'], 2, /--policy/],
    [['--audit', 'audit.jsonl'], 2, /by its id/],
    [['ffffffff-0000', '--audit', 'audit.jsonl'], 1, /no line has the id/],
    [[REFUSED, '--audit', 'nowhere.jsonl'], 1, /cannot read nowhere\.jsonl/],
    [['ff', '--audit', 'audit.jsonl'], 1, /at least 8 characters/],
  ];
  for (const [args, expected, reason] of cases) {
    const { status, stderr } = sallyport(['explain', ...args]);
    assert.equal(status, expected, args.join(' '));
    assert.match(stderr, reason);
  }
});

test('a mistake on the line is a diagnostic, and the exit code 1', () => {
  const { status, stdout } = sallyport(['explain', '--policy', 'policy.pdl', 'conn.ipp 1.2.3.4']);
  assert.equal(status, 1);
  assert.equal(jsonLines(stdout)[0]!.code, 'PDL-N006');
});
