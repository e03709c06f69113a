import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ClientMatch, ClientMatcher } from '../../src/profile/client-matcher.ts';
import { loadClients, MAX_CLIENTS_BYTES, parseClients, readClients } from '../../src/profile/clients.ts';
import { stablePart } from '../../src/profile/stable.ts';

const JA4 = 't13d1516h2_8daaf6152771_02713d6af862';
const LINE = [
  JA4,
  'Chromium',
  'browser',
  '119-131',
  'BoringSSL',
  '2026-11-25',
  '0a20fe35d3a5',
  'a capture',
].join('\t');

/** Line and column of what is wrong. */
function places(text: string): string[] {
  return parseClients('x.tsv', text).diagnostics.map(({ line, column }) => `${line}:${column}`);
}

test('a line has the columns of a row, and lines without one are passed over', () => {
  const { rows, diagnostics } = parseClients('x.tsv', `# a comment\r\n\r\n${LINE}\r\n`);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(rows, [
    {
      ja4: JA4,
      name: 'Chromium',
      kind: 'browser',
      versions: '119-131',
      library: 'BoringSSL',
      seen: '2026-11-25',
      stable: '0a20fe35d3a5',
      source: 'a capture',
    },
  ]);
});

test('a row needs no more than a fingerprint, a name and a kind', () => {
  const { rows } = parseClients('x.tsv', `${JA4}\tour monitor\ttool\n${JA4}\tother\ttool\t-\t\n`);
  assert.deepEqual(
    rows?.map(({ name, versions, library }) => [name, versions, library]),
    [
      ['our monitor', null, null],
      ['other', null, null],
    ],
  );
});

test('mistakes are reported with line and column, several at once', () => {
  assert.deepEqual(places(LINE.replace('t13d', 't14d')), ['1:1']);
  assert.deepEqual(places(`# x\n${LINE.replace('Chromium', '-')}`), ['2:38']);
  assert.deepEqual(places(LINE.replace('browser', 'brwser')), ['1:47']);
  assert.deepEqual(places(LINE.replace('119-131', '119-').replace('2026-11-25', '2026-02-30')), [
    '1:55',
    '1:70',
  ]);
  assert.deepEqual(places(LINE.replace('0a20fe35d3a5', '0a20')), ['1:84']);
  assert.deepEqual(places(`${LINE}\tmore\n${JA4}\n`), ['1:1', '2:1']);
  assert.deepEqual(places(LINE.replace('a capture', 'x'.repeat(161))), ['1:97']);
});

test('a table that cannot be read is refused with the reason', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-clients-'));
  const large = join(directory, 'large.tsv');
  writeFileSync(large, Buffer.alloc(MAX_CLIENTS_BYTES + 1, 0x23));
  assert.match(readClients(large).diagnostics[0]!.message, /at most/);
  assert.match(readClients(join(directory, 'none.tsv')).diagnostics[0]!.message, /ENOENT/);
  assert.equal(loadClients(join(directory, 'none.tsv')).table, null);
  rmSync(directory, { recursive: true });
});

test('whatever is read gives rows or diagnostics, never an exception', () => {
  const piece = fc.oneof(fc.constantFrom(LINE, '\t', '\n', '#', JA4, '-', 'browser'), fc.string());
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const { rows, diagnostics } = parseClients('x.tsv', pieces.join(''));
      assert.equal(rows === null, diagnostics.length > 0);
    }),
  );
});

const { table, diagnostics } = loadClients(null);

test("the package's own table has no mistake, no row twice, and today's programs", () => {
  assert.deepEqual(diagnostics, []);
  const keys = table!.rows.map(({ ja4, name, library }) => `${ja4} ${name} ${library}`);
  assert.equal(new Set(keys).size, keys.length);
  const names = new Set(table!.rows.map(({ name }) => name));
  for (const name of [
    'Chromium',
    'Firefox',
    'Safari',
    'curl',
    'Node.js',
    'Python',
    'Go',
    'Java',
    'Deno',
    'Bun',
    'Nmap',
  ])
    assert.ok(names.has(name), name);
});

test('every row of the table is answered with its own name, or with the library that others use too', () => {
  const matcher = new ClientMatcher(table!);
  for (const row of table!.rows) {
    const match = matcher.match(row.ja4, { ja4r: '' })!;
    assert.ok(match.candidates.includes(row.name), row.ja4);
    assert.ok(match.name === row.name || match.name === row.library, `${row.ja4} is called ${match.name}`);
  }
});

const CIPHERS = '1301,1302,1303,c02b,c02c,c02f,c030,cca8';
const raw = (extensions: string, prefix = 't13d0805h2'): { ja4r: string } => ({
  ja4r: `${prefix}_${CIPHERS}_${extensions}_0403,0804`,
});
const STABLE = stablePart(raw('0005,000a,000d').ja4r);
const OTHER = 'ffffffffffff';

/** Rows of one list of suites; `c` is JA4's last part. */
function matcher(
  ...rows: readonly (readonly [name: string, library: string, c: string, alpn?: string])[]
): ClientMatcher {
  const lines = rows.map(([name, library, c, alpn = 'h2']) =>
    [`t13d0805${alpn}_aaaaaaaaaaaa_${c}`, name, 'tool', '1.0-1.4', library, '-', STABLE].join('\t'),
  );
  return new ClientMatcher({ rows: parseClients('x.tsv', lines.join('\n')).rows!, own: [] });
}

const found = (match: ClientMatch | null): unknown => match && [match.name, match.level, match.versions];

test('the server name, the protocols and the counts of a JA4 do not matter', () => {
  const known = matcher(['one', 'OpenSSL', '111111111111']);
  for (const prefix of ['t13d0805h2', 't13i0804h2', 't13d080400', 't13i0803h1']) {
    const match = known.match(`${prefix}_aaaaaaaaaaaa_111111111111`, raw('0005,000a'));
    assert.deepEqual(found(match), ['one', 'exact', '1.0-1.4'], prefix);
  }
});

for (const [what, code] of [
  ['padding', '0015'],
  ['a resumption', '0029'],
  ['early data', '002a'],
  ['the answer to a HelloRetryRequest', '002c'],
  ['application settings', '4469'],
  ['application settings by their new number', '44cd'],
] as const) {
  test(`${what} leaves a program what it is`, () => {
    const extensions = ['0005', '000a', '000d', code].sort().join(',');
    const match = matcher(['one', 'OpenSSL', '111111111111']).match(
      `t13d0806h2_aaaaaaaaaaaa_${OTHER}`,
      raw(extensions),
    );
    assert.deepEqual(found(match), ['one', 'variant', '1.0-1.4']);
  });
}

test('a hello that several programs send is called by their library', () => {
  const shared = matcher(['one', 'OpenSSL', '111111111111'], ['two', 'OpenSSL', '111111111111']);
  const match = shared.match('t13d0805h2_aaaaaaaaaaaa_111111111111', raw('0005'));
  assert.deepEqual(found(match), ['OpenSSL', 'exact', null]);
  assert.deepEqual(match?.candidates, ['one', 'two']);
  const apart = matcher(['one', 'OpenSSL', '111111111111'], ['two', 'NSS', '111111111111']);
  assert.equal(apart.match('t13d0805h2_aaaaaaaaaaaa_111111111111', raw('0005')), null);
});

test('the protocols that are offered tell programs of one library apart', () => {
  const apart = matcher(['one', 'OpenSSL', '111111111111'], ['two', 'OpenSSL', '111111111111', 'h1']);
  assert.equal(apart.match('t13d0805h2_aaaaaaaaaaaa_111111111111', raw('0005'))?.name, 'one');
  assert.equal(apart.match('t13d0805h1_aaaaaaaaaaaa_111111111111', raw('0005'))?.name, 'two');
  assert.equal(apart.match('t13d080400_aaaaaaaaaaaa_111111111111', raw('0005'))?.name, 'OpenSSL');
});

test('a program whose padding alone was seen does not take the hellos of its library', () => {
  const apart = matcher(['padded', 'OpenSSL', '222222222222'], ['other', 'OpenSSL', '111111111111']);
  const match = apart.match('t13d0805h2_aaaaaaaaaaaa_222222222222', raw('0005,000a,000d,0015'));
  assert.deepEqual(found(match), ['OpenSSL', 'exact', null]);
});

test('other extensions, or other suites, resemble a program without its versions', () => {
  const known = matcher(['one', 'OpenSSL', '111111111111'], ['one', 'OpenSSL', '222222222222']);
  const newer = known.match(`t13d0806h2_aaaaaaaaaaaa_${OTHER}`, raw('0005,000a,000d,0fff'));
  assert.deepEqual(found(newer), ['one', 'suites', null]);
  const tuned = known.match(`t13d0905h2_bbbbbbbbbbbb_${OTHER}`, raw('0005,000a,000d'));
  assert.deepEqual(found(tuned), ['one', 'extensions', null]);
});

test('what resembles a single hello of a program resembles its library alone', () => {
  const known = matcher(['one', 'OpenSSL', '111111111111']);
  const newer = known.match(`t13d0806h2_aaaaaaaaaaaa_${OTHER}`, raw('0005,000a,000d,0fff'));
  assert.deepEqual(found(newer), ['OpenSSL', 'suites', null]);
});

test('a program of the same suites with many other extensions is not thought of', () => {
  const both = matcher(
    ['one', 'NSS', '111111111111'],
    ['one', 'NSS', '222222222222'],
    ['one', 'NSS', '444444444444'],
  );
  assert.equal(both.match(`t13d0808h2_aaaaaaaaaaaa_${OTHER}`, raw('0fff')), null);
  assert.equal(both.match(`t13d0807h2_aaaaaaaaaaaa_${OTHER}`, raw('0fff'))?.name, 'one');
  assert.equal(both.match(`t13i080600_aaaaaaaaaaaa_${OTHER}`, raw('0fff'))?.name, undefined);
  assert.equal(both.match(`t13i080500_aaaaaaaaaaaa_${OTHER}`, raw('0fff'))?.name, 'one');
});

test('a Chromium that is newer than the table, and Tor Browser of the same suites, are told apart', () => {
  const known = new ClientMatcher(table!);
  const newer = known.match(`t13d1518h2_8daaf6152771_${OTHER}`, raw('0fff'));
  assert.deepEqual(found(newer), ['Chromium', 'suites', null]);
  const tor = known.match('t13d1513h2_8daaf6152771_748f4c70de1c', raw('0fff'));
  assert.equal(tor?.name, 'Tor Browser');
});

test('programs of different libraries, few suites or another version resemble nothing', () => {
  const apart = matcher(['one', 'NSS', '111111111111'], ['two', 'BoringSSL', '333333333333']);
  assert.equal(apart.match(`t13d0806h2_aaaaaaaaaaaa_${OTHER}`, raw('0fff')), null);
  const known = matcher(['one', 'OpenSSL', '111111111111']);
  assert.equal(known.match(`t12d0806h2_aaaaaaaaaaaa_${OTHER}`, raw('0fff')), null);
  assert.equal(known.match(`t13d0706h2_aaaaaaaaaaaa_${OTHER}`, raw('0fff')), null);
});

test("an operator's row replaces those of the package for its hello", () => {
  const rows = parseClients('x.tsv', LINE).rows!;
  const own = parseClients('y.tsv', `${JA4.replace('d1516h2', 'i151500')}\tour monitor\tbot`).rows!;
  const match = new ClientMatcher({ rows, own }).match(JA4, { ja4r: '' });
  assert.deepEqual([match?.name, match?.kind, match?.level], ['our monitor', 'bot', 'exact']);
});

test('more different hellos than are remembered are still answered rightly', () => {
  const known = matcher(['one', 'OpenSSL', '111111111111']);
  for (let i = 0; i < 5_000; i++) {
    const c = i.toString(16).padStart(12, '0');
    assert.equal(known.match(`t13d0106h2_cccccccccccc_${c}`, raw('0fff')), null);
  }
  assert.equal(known.match('t13d0805h2_aaaaaaaaaaaa_111111111111', raw('0005'))?.name, 'one');
});
