import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIp, parseIp } from '../../../src/orchestrator/ip.ts';
import {
  judgeDatabase,
  type LoadedDatabase,
  loadDatabase,
} from '../../../src/profile/address/load-database.ts';
import { NO_DATABASES, type OriginKind, Origins } from '../../../src/profile/address/origins.ts';
import { encodeValue, type MmdbOptions, type MmdbValue, writeMmdb } from '../../support/mmdb-writer.ts';
import { missing, readJson, sharedPath } from '../../support/shared-data.ts';

const NOW = Date.UTC(2026, 10, 25);
const country = (iso_code: string): MmdbValue => ({ country: { iso_code } });
const system = (number: number, name: string): MmdbValue => ({
  autonomous_system_number: number,
  autonomous_system_organization: name,
});

function share(bytes: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  return memory;
}

function judged(bytes: Uint8Array, kind: OriginKind = 'country'): LoadedDatabase | string {
  return judgeDatabase(share(bytes), kind, NOW);
}

function originsOf(databases: Partial<Record<OriginKind, Uint8Array>>): Origins {
  const memory = (kind: OriginKind): SharedArrayBuffer | null => {
    const bytes = databases[kind];
    if (bytes === undefined) return null;
    const loaded = judged(bytes, kind);
    assert.ok(typeof loaded !== 'string', String(loaded));
    return loaded.memory;
  };
  return new Origins({ country: memory('country'), asn: memory('asn') });
}

function look(origins: Origins, text: string): { country: string | null; asn: number | null } {
  const { ip, isV4 } = parseIp(text)!;
  const { country: found, asn } = origins.find(ip, isV4);
  return { country: found, asn };
}

for (const recordSize of [24, 28, 32] as const) {
  for (const ipVersion of [4, 6] as const) {
    test(`${recordSize}-bit records of an IPv${ipVersion} database lead to the longest prefix`, () => {
      const networks: MmdbOptions['networks'] = [
        ['192.0.0.0/8', country('NL')],
        ['192.0.2.0/24', country('BE')],
        ['192.0.2.128/32', country('FR')],
        ...(ipVersion === 6 ? ([['2001:db8::/32', country('JP')]] as const) : []),
      ];
      const origins = originsOf({ country: writeMmdb({ networks, recordSize, ipVersion }) });
      assert.equal(look(origins, '192.0.2.128').country, 'FR');
      assert.equal(look(origins, '192.0.2.127').country, 'BE');
      assert.equal(look(origins, '192.0.3.0').country, 'NL');
      assert.equal(look(origins, '193.0.0.0').country, null);
      assert.equal(look(origins, '2001:db8::1').country, ipVersion === 6 ? 'JP' : null);
      assert.equal(look(origins, '2001:db9::1').country, null);
    });
  }
}

test('country and autonomous system come from a database each, and from neither where none is named', () => {
  const origins = originsOf({
    country: writeMmdb({ networks: [['198.51.100.0/24', country('SE')]] }),
    asn: writeMmdb({ networks: [['198.51.0.0/16', system(4_200_000_000, 'Example Net')]] }),
  });
  assert.deepEqual(origins.find(parseIp('198.51.100.1')!.ip, true), {
    country: 'SE',
    asn: 4_200_000_000,
    organization: 'Example Net',
  });
  assert.deepEqual(look(origins, '198.51.1.1'), { country: null, asn: 4_200_000_000 });
  assert.deepEqual(look(new Origins(NO_DATABASES), '198.51.100.1'), { country: null, asn: null });
});

test('the spellings of other vendors are read, and what is no country or number is not', () => {
  const origins = originsOf({
    country: writeMmdb({
      networks: [
        ['10.0.0.0/24', { country_code: 'DE' }],
        ['10.0.1.0/24', { country: 'AT' }],
        ['10.0.2.0/24', { registered_country: { iso_code: 'CH' } }],
        ['10.0.3.0/24', { country: { iso_code: 'Nowhere' } }],
        ['10.0.4.0/24', 'text'],
      ],
    }),
    asn: writeMmdb({
      networks: [
        ['10.0.0.0/24', { asn: 'AS64500', as_name: 'One' }],
        ['10.0.1.0/24', { traits: { autonomous_system_number: 64_501 } }],
        ['10.0.2.0/24', { asn: 'AS0' }],
      ],
    }),
  });
  const found = [0, 1, 2, 3, 4].map((third) => look(origins, `10.0.${third}.9`));
  assert.deepEqual(
    found.map((each) => each.country),
    ['DE', 'AT', 'CH', null, null],
  );
  assert.deepEqual(
    found.map((each) => each.asn),
    [64_500, 64_501, null, null, null],
  );
});

test('look-ups agree with a list of prefixes, whatever they are', () => {
  const prefix = fc
    .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.integer({ min: 1, max: 32 }))
    .map(([bytes, length]) => ({ address: bytes.join('.'), length }));
  fc.assert(
    fc.property(fc.array(prefix, { minLength: 1, maxLength: 20 }), (prefixes) => {
      const sorted = [...prefixes].sort((a, b) => a.length - b.length);
      const database = writeMmdb({
        networks: sorted.map(({ address, length }, index) => [
          `${address}/${length}`,
          system(index + 1, 'x'),
        ]),
      });
      const origins = originsOf({ asn: database });
      for (const { address } of prefixes) {
        const value = ipNumber(address);
        const expected = sorted.findLastIndex(
          (each) => (value ^ ipNumber(each.address)) >>> (32 - each.length) === 0 || each.length === 0,
        );
        assert.equal(look(origins, address).asn, expected + 1);
      }
    }),
    { numRuns: 50 },
  );
});

const ipNumber = (text: string): number => Buffer.from(text.split('.').map(Number)).readUInt32BE();

test('a database of the wrong kind is refused with its type', () => {
  const city = writeMmdb({ networks: [['192.0.2.0/24', country('NL')]], type: 'GeoLite2-City' });
  assert.equal(judged(city, 'asn'), 'it names no autonomous systems: its type is "GeoLite2-City"');
});

const SOUND: MmdbOptions = { networks: [['192.0.2.0/24', country('NL')]] };
const REFUSED: readonly (readonly [what: string, bytes: Uint8Array, reason: RegExp])[] = [
  ['an empty file', Buffer.alloc(0), /no MaxMind database/],
  ['text', Buffer.from('<html>not found</html>'), /no MaxMind database/],
  ['a file without its end', writeMmdb(SOUND).subarray(0, 600), /no MaxMind database/],
  ['a file without its beginning', writeMmdb(SOUND).subarray(40), /search tree|no room|reaches over/],
  ['metadata cut short', writeMmdb(SOUND).subarray(0, -9), /reaches over the end/],
  ['too many nodes', writeMmdb({ ...SOUND, metadata: { node_count: 1e6 } }), /no room for the 1000000 nodes/],
  ['no nodes', writeMmdb({ ...SOUND, metadata: { node_count: 0 } }), /no networks/],
  ['an odd record size', writeMmdb({ ...SOUND, metadata: { record_size: 27 } }), /record size is 27/],
  [
    'another record size',
    writeMmdb({ ...SOUND, metadata: { record_size: 28 } }),
    /search tree|no room|reaches over/,
  ],
  ['an IP version 5', writeMmdb({ ...SOUND, metadata: { ip_version: 5 } }), /IP version is 5/],
  ['another format', writeMmdb({ ...SOUND, metadata: { binary_format_major_version: 3 } }), /not version 2/],
  ['no type', writeMmdb({ ...SOUND, metadata: { database_type: null } }), /do not name its type/],
  ['no time', writeMmdb({ ...SOUND, metadata: { build_epoch: null } }), /no number `build_epoch`/],
  ['a time to come', writeMmdb({ ...SOUND, buildEpoch: NOW / 1_000 + 30 * 86_400 }), /built in the future/],
  [
    'the last of all times',
    writeMmdb({ ...SOUND, metadata: { build_epoch: 2n ** 64n - 1n } }),
    /built in the future/,
  ],
  ['a tree too deep', deepTree(), /deeper than an address/],
  ['a tree with a cycle', cyclicTree(), /cycle|deeper/],
  ['values too deep', writeMmdb({ networks: [['192.0.2.0/24', nested(40)]] }), /more than 32 deep/],
  [
    'too many values',
    writeMmdb({ networks: [['192.0.2.0/24', new Array(5_000).fill(1)]] }),
    /more than 4096 values/,
  ],
];

/** A database whose tree goes on where an address ends: IPv6 depth under an IPv4 label. */
function deepTree(): Buffer {
  return writeMmdb({ networks: [['2001:db8::/64', country('NL')]], metadata: { ip_version: 4 } });
}

/** The root's left record leads back to the root's child, which leads to itself. */
function cyclicTree(): Buffer {
  const bytes = writeMmdb({ networks: [['0.0.0.0/3', country('NL')]], ipVersion: 4 });
  bytes.writeUIntBE(1, 2 * 6, 3);
  return bytes;
}

function nested(depth: number): MmdbValue {
  return depth === 0 ? 'x' : { inner: nested(depth - 1) };
}

for (const [what, bytes, reason] of REFUSED) {
  test(`refused: ${what}`, () => {
    const answer = judged(bytes);
    assert.ok(typeof answer === 'string', 'it was taken');
    assert.match(answer, reason);
  });
}

test('a damaged database is refused or can be read everywhere: it never throws or hangs', () => {
  const whole = writeMmdb({
    networks: [
      ['192.0.2.0/24', country('NL')],
      ['198.51.100.0/24', { country: { iso_code: 'BE', names: { en: 'Belgium' } }, list: [1, 2n, true] }],
    ],
  });
  const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(damage, fc.nat(whole.length), (bytes, cut) => {
      const damaged = Buffer.from(whole.subarray(0, cut > whole.length / 2 ? cut : whole.length));
      for (const [at, value] of bytes) if (at < damaged.length) damaged[at] = value;
      const loaded = judged(damaged);
      if (typeof loaded === 'string') return;
      const origins = new Origins({ country: loaded.memory, asn: null });
      for (const text of ['192.0.2.1', '198.51.100.9', '8.8.8.8', '2001:db8::1']) look(origins, text);
    }),
    { numRuns: 500 },
  );
});

test('pointers are followed within the data and nowhere else', () => {
  // A record that is a pointer to itself: type 1, size 0, offset 0.
  const bytes = writeMmdb(SOUND);
  const at = bytes.indexOf(encodeValue(country('NL')));
  bytes.set([0x20, 0x00], at);
  assert.match(String(judged(bytes)), /points to a pointer/);
  bytes.set([0x27, 0xff], at);
  assert.match(String(judged(bytes)), /reaches over the end/);
});

test('a file that is not there is refused with a sentence', () => {
  assert.equal(loadDatabase('/nonexistent.mmdb', 'asn', NOW), 'it does not exist');
});

const TRUTHS: readonly (readonly [name: string, kind: OriginKind])[] = [
  ['GeoLite2-Country-Test', 'country'],
  ['GeoLite2-City-Test', 'country'],
  ['GeoIP2-Country-Test', 'country'],
  ['GeoIP2-City-Test', 'country'],
  ['GeoIP2-Enterprise-Test', 'country'],
  ['GeoLite2-ASN-Test', 'asn'],
  ['GeoIP2-ISP-Test', 'asn'],
  ['GeoIP2-Enterprise-Test', 'asn'],
];

// biome-ignore lint/suspicious/noExplicitAny: records of the source data, in each database's own shape
type SourceRecord = any;

for (const [name, kind] of TRUTHS) {
  const file = `maxmind-test/test-data/${name}.mmdb`;
  test(`every record of ${name}'s source data is found right (${kind})`, { skip: missing(file) }, (t) => {
    const loaded = loadDatabase(sharedPath(file), kind, NOW);
    if (kind === 'asn' && typeof loaded === 'string') {
      t.skip(`it has none: ${loaded}`);
      return;
    }
    assert.ok(typeof loaded !== 'string', String(loaded));
    const origins = new Origins({ ...NO_DATABASES, [kind]: loaded.memory });
    const source: Record<string, SourceRecord>[] = readJson(`maxmind-test/source-data/${name}.json`);
    const nets = source.flatMap((each) => Object.entries(each));
    const longer = new Set(nets.map(([prefix]) => prefix.split('/')[0]!));
    let checked = 0;
    for (const [prefix, record] of nets) {
      const { ip, isV4 } = addressOf(prefix);
      // why: a longer prefix that begins with the same address hides this one there.
      if (nets.some(([other]) => other !== prefix && other.startsWith(`${prefix.split('/')[0]}/`))) continue;
      const expected =
        kind === 'country'
          ? (record.country?.iso_code ?? record.registered_country?.iso_code ?? null)
          : (record.autonomous_system_number ?? record.traits?.autonomous_system_number ?? null);
      assert.equal(origins.find(ip, isV4)[kind], expected, `${prefix} ${formatIp(ip, isV4)}`);
      checked++;
    }
    assert.ok(checked > 20 && longer.size > 20, `${checked} records`);
  });
}

/** `::1.2.3.0/120` is how the source data write some IPv4 networks. */
function addressOf(prefix: string): { ip: Uint8Array; isV4: boolean } {
  const text = prefix.split('/')[0]!;
  return parseIp(/^::(\d+\.\d+\.\d+\.\d+)$/.exec(text)?.[1] ?? text)!;
}

const BAD = 'maxmind-test/bad-data';

test('all bad databases of MaxMind are refused, for either use', { skip: missing(BAD) }, () => {
  const files = readdirSync(sharedPath(BAD), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.mmdb'))
    .map((file) => `${BAD}/${file}`);
  const broken = readdirSync(sharedPath('maxmind-test/test-data'))
    .filter((file) => /broken|invalid/i.test(file))
    .map((file) => `maxmind-test/test-data/${file}`);
  assert.ok(files.length >= 20 && broken.length >= 4);
  for (const file of [...files, ...broken]) {
    for (const kind of ['country', 'asn'] as const) {
      assert.equal(typeof loadDatabase(sharedPath(file), kind, NOW), 'string', `${file} as ${kind}`);
    }
  }
});

const WORLD = 'geo/iptoasn-country.mmdb';
test('a database of the whole world answers as two of them agree', { skip: missing(WORLD) }, () => {
  const origins = originsOf({ country: readFileSync(sharedPath(WORLD)) });
  const pairs: { ip: string; country: string }[] = readJson('geo/country_agreement_2000.json');
  assert.ok(pairs.length >= 1_000);
  for (const { ip, country: expected } of pairs) assert.equal(look(origins, ip).country, expected, ip);
});
