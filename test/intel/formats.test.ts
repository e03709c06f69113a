import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FeedFormatError } from '../../src/intel/content.ts';
import { detectFormat, readFeed } from '../../src/intel/formats.ts';
import { goDuration } from '../../src/intel/json.ts';
import type { FeedOptions } from '../../src/intel/settings.ts';
import type { Feed } from '../../src/pdl/ir.ts';
import { missing, readText } from '../support/shared-data.ts';
import { judge, makeFeed } from './support.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function read(text: string, given: Partial<Feed> = {}, options: FeedOptions = {}) {
  const content = readFeed(makeFeed(given), Buffer.from(text), { options, fetchedMs: NOW });
  return { ...content, members: [...content.members], lines: Array.from(content.lines) };
}

/** Real samples: how many members each has, its format found by its content, and one that it holds. */
const SAMPLES: readonly (readonly [
  file: string,
  type: Feed['type'],
  format: string,
  count: number,
  member: string,
])[] = [
  ['stamparm-ipsum/levels/3.txt', 'cidr', 'lines', 14_217, '77.90.185.20'],
  ['stamparm-ipsum/levels/8.txt', 'ip', 'lines', 23, '2.57.122.53'],
  ['excerpts/firehol_feodo.ipset', 'cidr', 'lines', 10, '5.39.222.172'],
  ['x4bnet-lists_vpn/output/vpn/ipv4.txt', 'cidr', 'lines', 10_862, '2.26.157.0/24'],
  ['x4bnet-lists_vpn/output/datacenter/ipv6.txt', 'cidr', 'lines', 8_752, '2001:310::/32'],
  ['x4bnet-lists_vpn/input/datacenter/ASN.txt', 'asn', 'lines', 906, '45090'],
  ['x4bnet-lists_vpn/input/vpn/ASN.txt', 'asn', 'lines', 15, '9009'],
  ['excerpts/spamhaus_drop_v4_excerpt.jsonl', 'cidr', 'spamhaus', 2, '1.10.16.0/20'],
  ['excerpts/tor_exit_addresses_excerpt.txt', 'cidr', 'tor', 3, '194.26.192.64'],
  ['misp-warninglists/lists/googlebot/list.json', 'cidr', 'misp', 65, '192.178.5.0/27'],
  ['misp-warninglists/lists/microsoft-attack-simulator/list.json', 'cidr', 'misp', 1, '52.168.52.134'],
  [
    'misp-warninglists/lists/microsoft-attack-simulator/list.json',
    'host',
    'misp',
    140,
    'portal.hardwarecheck.net',
  ],
  ['misp-warninglists/lists/icloud-private-relay/list.json', 'cidr', 'misp', 13_747, '104.28.100.16/32'],
  ['oasis-stix2-examples/examples/threat-reports/apt1.json', 'cidr', 'stix', 4, '223.166.0.0/15'],
  ['oasis-stix2-examples/examples/threat-reports/apt1.json', 'host', 'stix', 3, 'hugesoft.org'],
  ['oasis-stix2-examples/examples/threat-reports/poisonivy.json', 'cidr', 'stix', 40, '219.76.208.163'],
  ['crowdsec/decisions_stream_lapi_startup.json', 'cidr', 'crowdsec', 1, '1.2.3.4'],
  ['crowdsec/decisions_stream_lapi_poll_nochange.json', 'cidr', 'crowdsec', 0, ''],
  ['crowdsec/decisions_stream_capi_v3.json', 'cidr', 'crowdsec', 1, '1.2.3.4'],
  ['crowdsec/blocklist_body_crlf.txt', 'cidr', 'lines', 2, '1.2.3.5'],
];

for (const [file, type, format, count, member] of SAMPLES) {
  test(`the real ${file} is read as ${type}`, { skip: missing(`feeds/${file}`) }, () => {
    const text = readText(`feeds/${file}`);
    assert.equal(detectFormat(Buffer.from(text), type), format);
    const { members, bad } = read(text, { type });
    assert.deepEqual(bad, []);
    assert.equal(members.length, count);
    if (member !== '') assert.ok(members.includes(member), member);
  });
}

test('every real list of addresses passes the guards', (t) => {
  for (const [file, type] of SAMPLES) {
    if (missing(`feeds/${file}`)) return t.skip(String(missing(`feeds/${file}`)));
    const bytes = Buffer.from(readText(`feeds/${file}`));
    const judged = judge(bytes, { feed: makeFeed({ type }) });
    assert.ok(judged.ok, `${file}: ${judged.ok || judged.reason}`);
  }
});

test('a column may be named by header or number, and one that is not there names those that are', () => {
  const text = 'first_seen_utc,src_ip,dst_ip\n"2020","45.1.1.1","45.2.2.2"\n';
  assert.deepEqual(read(text, {}, { column: 'dst_ip' }).members, ['45.2.2.2']);
  assert.deepEqual(read(text, {}, { column: 2 }).members, ['45.1.1.1']);
  assert.throws(() => read(text, {}, { column: 'ip' }), /no column "ip".*src_ip/);
  assert.throws(() => read('a,b\nx,y\n', { format: 'csv' }), /no column holds members of type cidr/);
});

test('quoted values may hold commas and quotes, and must end', () => {
  const text = '"a, ""b""",45.1.1.1\n';
  assert.deepEqual(read(text).members, ['45.1.1.1']);
  assert.throws(() => read('"a,45.1.1.1\n', { format: 'csv' }), { name: 'FeedFormatError', line: 1 });
});

test('a path leads through any JSON', () => {
  const text =
    '{"prefixes":[{"ipv4Prefix":"45.1.0.0/16"},{"ipv6Prefix":"2a00::/32"},{"ipv4Prefix":"45.2.0.0/16"}]}';
  assert.deepEqual(read(text, {}, { path: 'prefixes.*.ipv4Prefix' }).members, ['45.1.0.0/16', '45.2.0.0/16']);
  assert.throws(() => read(text, {}, { path: 'prefixes.*.nothing' }), /leads to nothing/);
  assert.throws(() => read(text, {}, { path: 'prefixes' }), /no text or number/);
});

test('a full ipsum line has a count behind the address, and a country list letters', () => {
  assert.deepEqual(read('45.1.1.1\t8\n45.1.1.2\t3 # x\n').members, ['45.1.1.1', '45.1.1.2']);
  assert.deepEqual(read('de\nFR\n', { type: 'country' }).members, ['DE', 'FR']);
});

test('a Spamhaus list that was cut short is refused', () => {
  const line = (i: number): string => `{"cidr":"45.${i}.0.0/16","sblid":"SBL1","rir":"arin"}\n`;
  const whole = `${line(1)}${line(2)}{"type":"metadata","records":2}\n`;
  assert.equal(read(whole).members.length, 2);
  assert.throws(() => read(line(1) + line(2)), /count, is missing/);
  assert.throws(() => read(`${line(1)}{"type":"metadata","records":2}\n`), /1 of the 2/);
});

test('MISP events give the attributes meant for detection', () => {
  const attribute = (value: string, to_ids: boolean): object => ({ type: 'ip-dst|port', value, to_ids });
  const Event = {
    Attribute: [attribute('45.1.1.1|443', true), attribute('45.1.1.2', false)],
    Object: [{ Attribute: [attribute('45.1.1.3', true)] }],
  };
  assert.deepEqual(read(JSON.stringify({ response: [{ Event }] })).members, ['45.1.1.1', '45.1.1.3']);
  assert.throws(() => read('{"error":"denied"}', { format: 'misp' }), /no MISP/);
});

test('STIX indicators that are revoked, not yet valid or compound give nothing', () => {
  const indicator = (id: string, pattern: string, more: object = {}): object => ({
    type: 'indicator',
    id,
    pattern,
    valid_from: '2020-01-01T00:00:00Z',
    ...more,
  });
  const objects = [
    indicator('a', "[ipv4-addr:value = '45.1.1.1'] OR [ipv6-addr:value = '2a00::1']"),
    indicator('b', "[ipv4-addr:value = '45.1.1.2']", { revoked: true }),
    indicator('c', "[ipv4-addr:value = '45.1.1.3']", { valid_from: '2030-01-01T00:00:00Z' }),
    indicator('d', "[ipv4-addr:value = '45.1.1.4' AND domain-name:value = 'a.example']"),
    indicator('e', "[ipv4-addr:value = '45.1.1.5']", { valid_until: '2026-01-02T00:00:00Z' }),
    indicator('f', "[ipv4-addr:value = '45.1.1.6']", { modified: '2021-01-01T00:00:00Z' }),
    indicator('f', "[ipv4-addr:value = '45.1.1.7']", { modified: '2022-01-01T00:00:00Z', revoked: true }),
  ];
  const { members, expires } = read(JSON.stringify({ type: 'bundle', objects }));
  assert.deepEqual(members, ['45.1.1.1', '2a00::1', '45.1.1.5']);
  assert.deepEqual(expires, [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Date.parse('2026-01-02')]);
});

test('CrowdSec decisions end when their duration, counted from the fetch, is over', () => {
  const decision = { scope: 'Range', value: '45.1.0.0/16', duration: '1h30m0.5s', type: 'ban' };
  const asn = { scope: 'AS', value: '64500', duration: '1h' };
  const text = JSON.stringify({ new: [decision, asn, { ...decision, simulated: true }], deleted: null });
  const { members, expires } = read(text, { source: 'crowdsec' });
  assert.deepEqual(members, ['45.1.0.0/16']);
  assert.deepEqual(expires, [NOW + 5_400_500]);
  assert.deepEqual(read(text, { source: 'crowdsec', type: 'asn' }).members, ['64500']);
});

test('durations of Go are read, and other text is none', () => {
  assert.equal(goDuration('3h59m55.756182786s'), 14_395_756.182786);
  assert.equal(goDuration('-1m'), -60_000);
  for (const text of ['', '5', '1d', 'h', '1h 2m']) assert.ok(Number.isNaN(goDuration(text)), text);
});

test('a file without a format is a list of lines, whatever it looks like', () => {
  const { members, bad } = read('a,45.1.1.1\n', { source: 'file' });
  assert.deepEqual([members, bad], [['a,45.1.1.1'], [0]]);
});

test('any text in any format gives members or one kind of error', () => {
  const formats = ['lines', 'csv', 'json', 'spamhaus', 'tor', 'misp', 'stix', 'crowdsec'];
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => `{"objects":[${json}],"new":${json}}`),
  );
  fc.assert(
    fc.property(fc.constantFrom(...formats), text, (format, content) => {
      try {
        const { members, bad } = read(content, { format });
        assert.ok(bad.every((index) => index < members.length));
      } catch (error) {
        assert.ok(error instanceof FeedFormatError, String(error));
      }
    }),
    { numRuns: Number(process.env.SALLYPORT_FUZZ_RUNS ?? 500) },
  );
});

const ASN_DROP = 'feeds/excerpts/spamhaus_asndrop_excerpt.jsonl';
test('a real ASN-DROP names networks, and one that was cut is refused', { skip: missing(ASN_DROP) }, () => {
  const excerpt = readText(ASN_DROP);
  const asn = { type: 'asn' } as const;
  assert.equal(detectFormat(Buffer.from(excerpt), 'asn'), 'spamhaus');
  assert.throws(() => read(excerpt, asn), /it has 2 of the 427 records it promises/);
  const whole = excerpt.replace('"records":427', '"records":2');
  const { members, bad } = read(whole, asn);
  assert.deepEqual(bad, []);
  assert.equal(members.length, 2);
  assert.ok(members.every((member) => /^\d+$/.test(member)));
  assert.ok(judge(Buffer.from(whole), { feed: makeFeed(asn) }).ok);
});

const SCORED = { type: 'cidr', toScore: true } as const;

for (const [what, text, given, options, members] of [
  [
    'behind blanks or a comma',
    '192.0.2.1 85\n192.0.2.0/24,7 # note\n2001:db8::/32\t0\n',
    SCORED,
    {},
    ['192.0.2.1 85', '192.0.2.0/24 7', '2001:db8::/32 0'],
  ],
  ['as 100 where there is none', '192.0.2.1\n', SCORED, {}, ['192.0.2.1 100']],
  [
    'above 100 as 100, and rounded',
    '192.0.2.1 250\n192.0.2.2 12.6\n',
    SCORED,
    {},
    ['192.0.2.1 100', '192.0.2.2 13'],
  ],
  [
    'of fingerprints',
    't13d1516h2_8daaf6152771_02713d6af862 40\n',
    { type: 'ja4', toScore: true },
    {},
    ['t13d1516h2_8daaf6152771_02713d6af862 40'],
  ],
  [
    'of texts with blanks',
    'some agent/1.0 30\n',
    { type: 'string', toScore: true },
    {},
    ['some agent/1.0 30'],
  ],
  [
    'in a column of that name',
    'ip,seen,score\n192.0.2.1,5,60\n',
    SCORED,
    { format: 'csv' },
    ['192.0.2.1 60'],
  ],
  [
    'in the first column of numbers behind the members',
    '192.0.2.1,NL,60,9\n',
    SCORED,
    { format: 'csv' },
    ['192.0.2.1 60'],
  ],
  [
    'in the column that is named',
    'n,ip,a,b\n1,192.0.2.1,2,3\n',
    SCORED,
    { format: 'csv', score: 'b' },
    ['192.0.2.1 3'],
  ],
  ['in the column of a number', '192.0.2.1,2,3\n', SCORED, { format: 'csv', score: 3 }, ['192.0.2.1 3']],
  [
    'in an object by member',
    '{"192.0.2.1": 60, "192.0.2.2": "7"}',
    SCORED,
    {},
    ['192.0.2.1 60', '192.0.2.2 7'],
  ],
  [
    'in an object that a path leads to',
    '{"data": {"192.0.2.1": 60}}',
    SCORED,
    { path: 'data' },
    ['192.0.2.1 60'],
  ],
  [
    'beside the member',
    '{"data": [{"ipAddress": "192.0.2.1", "abuseConfidenceScore": 99}]}',
    SCORED,
    { path: 'data.*.ipAddress', score: 'abuseConfidenceScore' },
    ['192.0.2.1 99'],
  ],
  [
    'as the confidence of STIX',
    '{"type":"bundle","objects":[{"type":"indicator","id":"i","pattern":"[ipv4-addr:value = \'192.0.2.1\']","confidence":55}]}',
    SCORED,
    {},
    ['192.0.2.1 55'],
  ],
] as const) {
  test(`scores are read ${what}`, () => {
    const content = read(text, { source: 'url', ...given }, options);
    assert.deepEqual([content.members, content.bad], [members, []]);
  });
}

for (const [what, text, options, reason] of [
  ['a score below 0', '192.0.2.1 -1', {}, null],
  ['a score that is none', 'ip,score\n192.0.2.1,high\n', { format: 'csv' }, null],
  ['an empty score', 'ip,score\n192.0.2.1,\n', { format: 'csv' }, null],
  ['no column of scores', '192.0.2.1,NL\n', { format: 'csv' }, /no column holds scores/],
  ['a list where scores are wanted', '["192.0.2.1"]', {}, /object by member/],
  [
    'a member without its score',
    '{"d":[{"ip":"192.0.2.1"}]}',
    { path: 'd.*.ip', score: 's' },
    /s leads to something that is no text/,
  ],
] as const) {
  test(`a list of scores with ${what} is not taken as it is`, () => {
    const readIt = () => read(text, { source: 'url', ...SCORED }, options);
    if (reason === null) assert.deepEqual(readIt().bad, [0]);
    else assert.throws(readIt, reason);
  });
}

test('ranges as Google, Bing and others publish them for their crawlers are read', () => {
  const published = {
    creationTime: '2026-01-01T00:00:00.000000',
    prefixes: [{ ipv6Prefix: '2001:4860:4801:10::/64' }, { ipv4Prefix: '66.249.64.0/27' }],
  };
  const { members, bad } = read(JSON.stringify(published), {}, { format: 'json', path: 'prefixes.*.*' });
  assert.deepEqual([members, bad], [['2001:4860:4801:10::/64', '66.249.64.0/27'], []]);
});
