import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { inspectHello } from '../../src/core/inspect.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { statusName } from '../../src/core/status.ts';
import {
  alpn,
  codes,
  type HelloParts,
  helloMessage,
  inRecords,
  serverName,
  u16,
  vector,
} from '../support/hello-bytes.ts';

const core = new Core(loadCoreModule());

function parse(bytes: Uint8Array, form: 'records' | 'handshake' = 'records'): string {
  return statusName(core.parse(bytes, 0, bytes.length, form, 'tls'));
}

function statusOf(parts: HelloParts): string {
  return parse(helloMessage(parts), 'handshake');
}

const EMPTY = Buffer.alloc(0);
const PSK = Buffer.concat([
  vector(2, vector(2, Buffer.from('ticket')), Buffer.alloc(4)),
  vector(2, vector(1, Buffer.alloc(32))),
]);

test('every proper prefix of a hello needs more', () => {
  const bytes = inRecords(helloMessage({ extensions: [[0, serverName('a.test')]] }), [1, 2, 10]);
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(parse(bytes.subarray(0, length)), 'need_more', `${length} bytes`);
  }
  assert.equal(parse(bytes), 'complete');
  assert.equal(core.hello.records, 4);
  assert.equal(core.hello.consumed, bytes.length);
});

test('a hello is read from the middle of a buffer', () => {
  const bytes = Buffer.concat([Buffer.from('xyz'), inRecords(helloMessage()), Buffer.from('rest')]);
  assert.equal(core.parse(bytes, 3, bytes.length - 7, 'records', 'tls'), 0);
});

test('plain HTTP is not TLS after its first byte', () => {
  assert.equal(parse(Buffer.from('G')), 'not_tls');
});

test('an SSL 2.0 hello is told from other bytes', () => {
  assert.equal(parse(Buffer.from([0x80, 0x2e, 1])), 'need_more');
  assert.equal(parse(Buffer.from([0x80, 0x2e, 1, 3, 1])), 'sslv2_hello');
  assert.equal(parse(Buffer.from([0x80, 0x2e, 9])), 'not_tls');
});

test('an alert in place of the hello is an unexpected record', () => {
  assert.equal(parse(Buffer.from([21, 3, 1, 0, 2, 1, 0])), 'unexpected_record');
});

test('another handshake message is unexpected', () => {
  assert.equal(parse(inRecords(Buffer.from([2, 0, 0, 0]))), 'unexpected_message');
});

test('records of no and of too many bytes are named', () => {
  assert.equal(parse(Buffer.from([22, 3, 1, 0, 0])), 'record_empty');
  assert.equal(parse(Buffer.from([22, 3, 1, 0x40, 1])), 'record_too_long');
});

test('a hello above the limit is refused by its announced length', () => {
  assert.equal(parse(Buffer.from([22, 3, 1, 0, 5, 1, 0, 0x3f, 0xfd, 0])), 'hello_too_large');
});

test('the limit on hellos can be changed', () => {
  const bytes = helloMessage({ extensions: [[0x7777, Buffer.alloc(20_000)]] });
  const other = new Core(loadCoreModule());
  assert.equal(statusName(other.parse(bytes, 0, bytes.length, 'handshake', 'tls')), 'hello_too_large');
  other.maxHelloBytes = bytes.length;
  assert.equal(statusName(other.parse(bytes, 0, bytes.length, 'handshake', 'tls')), 'complete');
  other.maxHelloBytes = bytes.length - 1;
  assert.equal(statusName(other.parse(bytes, 0, bytes.length, 'handshake', 'tls')), 'hello_too_large');
  assert.throws(() => {
    other.maxHelloBytes = 131_073;
  }, RangeError);
});

test('input beyond its region is too large, not an error', () => {
  assert.equal(parse(Buffer.alloc(262_145, 22)), 'hello_too_large');
});

test('a hello that ends inside a field is truncated', () => {
  assert.equal(parse(Buffer.from([1, 0, 0, 2, 3, 3]), 'handshake'), 'hello_truncated');
});

test('a hello without an extensions block is whole', () => {
  assert.equal(statusOf({ extensions: null }), 'complete');
  assert.equal(core.hello.ja4.split('_')[2], '000000000000');
});

test('lengths inside a hello must agree', () => {
  const bytes = helloMessage({ extensions: [[0xff01, EMPTY]] });
  bytes.writeUInt16BE(9, bytes.length - 2);
  assert.equal(parse(bytes, 'handshake'), 'length_mismatch');
  const longer = Buffer.concat([helloMessage(), EMPTY, Buffer.from([0])]);
  longer.writeUIntBE(longer.length - 4, 1, 3);
  assert.equal(parse(longer, 'handshake'), 'trailing_bytes');
});

test('bytes after the hello in its record are named', () => {
  assert.equal(parse(inRecords(Buffer.concat([helloMessage(), Buffer.from([1])]))), 'message_trailing');
});

test('records after the hello are left alone', () => {
  const hello = inRecords(helloMessage());
  assert.equal(parse(Buffer.concat([hello, Buffer.from([20, 3, 3, 0, 1, 1])])), 'complete');
  assert.equal(core.hello.consumed, hello.length);
});

const VIOLATIONS: readonly (readonly [string, HelloParts])[] = [
  ['session_id_too_long', { sessionId: Buffer.alloc(33) }],
  ['cipher_suites_empty', { ciphers: [] }],
  ['compression_empty', { compression: EMPTY }],
  [
    'extension_duplicate',
    {
      extensions: [
        [23, EMPTY],
        [23, EMPTY],
      ],
    },
  ],
  [
    'psk_not_last',
    {
      extensions: [
        [45, vector(1, Buffer.from([1]))],
        [41, PSK],
        [23, EMPTY],
      ],
    },
  ],
  ['psk_malformed', { extensions: [[41, PSK.subarray(0, PSK.length - 1)]] }],
  ['psk_modes_missing', { extensions: [[41, PSK]] }],
  ['extension_malformed', { extensions: [[23, Buffer.from([0])]] }],
  ['extensions_too_many', { extensions: Array.from({ length: 65 }, (_, i) => [0x4000 + i, EMPTY] as const) }],
  [
    'key_share_inconsistent',
    {
      extensions: [
        [51, vector(2, u16(29), vector(2, Buffer.alloc(32)))],
        [10, codes([23])],
      ],
    },
  ],
  ['compression_not_null', { compression: Buffer.from([1]) }],
  ['compression_not_null', { compression: Buffer.from([1, 0]), extensions: [[43, codes([0x0304], 1)]] }],
  ['sni_malformed', { extensions: [[0, EMPTY]] }],
  ['sni_not_a_name', { extensions: [[0, serverName('a b')]] }],
  ['alpn_malformed', { extensions: [[16, vector(2, Buffer.from([0]))]] }],
  ['versions_malformed', { extensions: [[43, vector(1, Buffer.from([3]))]] }],
  ['groups_malformed', { extensions: [[10, vector(2, Buffer.from([0, 29, 0]))]] }],
  ['sigalgs_malformed', { extensions: [[13, Buffer.from([0])]] }],
  ['key_share_malformed', { extensions: [[51, vector(2, u16(29), u16(4), Buffer.from([1]))]] }],
  ['point_formats_malformed', { extensions: [[11, Buffer.from([0])]] }],
  ['psk_modes_malformed', { extensions: [[45, Buffer.from([2, 1])]] }],
];

for (const [name, parts] of VIOLATIONS) {
  const number = VIOLATIONS.filter(([other]) => other === name).findIndex(([, other]) => other === parts);
  test(`a hello with ${name.replaceAll('_', ' ')} (${number + 1}) is refused but has a fingerprint`, () => {
    assert.equal(statusOf(parts), name);
    assert.match(core.hello.ja4, /^t[0-9a-z]{9}_[0-9a-f]{12}_[0-9a-f]{12}$/);
    const report = inspectHello(core, helloMessage(parts), 'handshake', 'tls');
    assert.equal('violation' in report && report.violation?.code, name);
  });
}

test('duplicates are forgotten from one hello to the next', () => {
  const parts: HelloParts = {
    extensions: [
      [23, EMPTY],
      [0xfffe, EMPTY],
    ],
  };
  assert.equal(statusOf(parts), 'complete');
  assert.equal(statusOf(parts), 'complete');
});

test('GREASE is left out of every list and noticed', () => {
  assert.equal(
    statusOf({
      ciphers: [0x0a0a, 0x1301],
      extensions: [
        [0xfafa, EMPTY],
        [10, codes([0x2a2a, 29])],
      ],
    }),
    'complete',
  );
  assert.equal(core.hello.ja3, '771,4865,10,29,');
  assert.equal(core.hello.grease, true);
});

const NAMES: readonly (readonly [string, string | null])[] = [
  ['Shop.Example.COM.', 'shop.example.com'],
  ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
  ['_dmarc.a-b.example', '_dmarc.a-b.example'],
  ['localhost', 'localhost'],
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7.', '192.0.2.7'],
  [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  [`${'a'.repeat(64)}.example`, null],
  [`${'a.'.repeat(126)}a`, `${'a.'.repeat(126)}a`],
  [`${'a.'.repeat(127)}`, `${'a.'.repeat(126)}a`],
  [`${'a.'.repeat(127)}a`, null],
  ['', null],
  ['.', null],
  ['..', null],
  ['a..b', null],
  ['.a', null],
  ['a..', null],
  ['a\0.example', null],
  ['a\r\nb', null],
  ['a b', null],
  ['a/b', null],
  ['a:443', null],
  ['[2001:db8::1]', null],
  ['2001:db8::1', null],
  ['b\xfccher.example', null],
  ['*.example', null],
  ['a%00b', null],
];

for (const [sent, name] of NAMES) {
  const shown = JSON.stringify(sent.length > 40 ? `${sent.slice(0, 40)}…${sent.length}` : sent);
  test(`the server name ${shown} is ${name === null ? 'no name' : 'one name'}`, () => {
    const status = statusOf({ extensions: [[0, serverName(sent)]] });
    assert.equal(status, name === null ? 'sni_not_a_name' : 'complete');
    assert.equal(core.hello.sni, name ?? (sent === '' ? null : sent));
    assert.equal(core.hello.sniIsAddress, name !== null && /^[\d.]+$/.test(name));
  });
}

test('a hello without server_name has no host name', () => {
  statusOf({});
  assert.equal(core.hello.sni, null);
});

test('extensions are given in order with their lengths, GREASE and unknown ones too', () => {
  statusOf({
    extensions: [
      [0xfafa, EMPTY],
      [0x7777, Buffer.alloc(3)],
      [23, EMPTY],
    ],
  });
  assert.deepEqual(core.hello.extensions, [
    { type: 0xfafa, length: 0 },
    { type: 0x7777, length: 3 },
    { type: 23, length: 0 },
  ]);
});

test('the marks of tickets, cookies, certificate compression and ALPS are seen', () => {
  const marks = (): boolean[] => {
    const { ticket, preSharedKey, cookie, compressCertificate, alps } = core.hello;
    return [ticket, preSharedKey, cookie, compressCertificate, alps];
  };
  statusOf({ extensions: [[35, EMPTY]] });
  assert.deepEqual(marks(), [false, false, false, false, false]);
  const status = statusOf({
    extensions: [
      [35, Buffer.from('ticket')],
      [44, vector(2, Buffer.from('cookie'))],
      [27, codes([2], 1)],
      [17_513, alpn('h2')],
      [45, vector(1, Buffer.from([1]))],
      [41, PSK],
    ],
  });
  assert.equal(status, 'complete');
  assert.deepEqual(marks(), [true, true, true, true, true]);
});

test('GREASE is noticed in modes, protocols, shares and versions too (RFC 8701)', () => {
  for (const [type, content] of [
    [45, vector(1, Buffer.from([0x2a, 1]))],
    [16, alpn('\x1a\x1a', 'h2')],
    [51, vector(2, u16(0x5a5a), vector(2, Buffer.from([0])))],
    [43, codes([0x6a6a, 0x0303], 1)],
    [13, codes([0x7a7a, 0x0403])],
  ] as const) {
    assert.equal(statusOf({ extensions: [[type, content]] }), 'complete', `${type}`);
    assert.equal(core.hello.grease, true, `${type}`);
  }
});

test('JA4 takes the first protocol that is not GREASE', () => {
  statusOf({ extensions: [[16, alpn('\x1a\x1a', 'h2')]] });
  assert.equal(core.hello.ja4.slice(8, 10), 'h2');
});

test('protocols are given in the order of the client', () => {
  statusOf({ extensions: [[16, alpn('h2', 'http/1.1')]] });
  assert.deepEqual(core.hello.alpn, ['h2', 'http/1.1']);
});

test('the highest version offered counts, drafts included', () => {
  statusOf({ extensions: [[43, codes([0x7a7a, 0x0304, 0x0303], 1)]] });
  assert.equal(core.hello.maxVersion, 0x0304);
  statusOf({ extensions: [[43, codes([0x7f1c, 0x0304], 1)]] });
  assert.equal(core.hello.ja4.slice(1, 3), '00');
});

test('the marks of resumption, early data, ECH and post-quantum groups are seen', () => {
  statusOf({
    extensions: [
      [10, codes([0x11ec])],
      [42, EMPTY],
      [0xfe0d, EMPTY],
      [41, EMPTY],
    ],
  });
  const { resumption, earlyData, ech, pq } = core.hello;
  assert.deepEqual(
    { resumption, earlyData, ech, pq },
    { resumption: true, earlyData: true, ech: true, pq: true },
  );
});

test('JA3N does not depend on the order of extensions', () => {
  statusOf({
    extensions: [
      [23, EMPTY],
      [5, EMPTY],
    ],
  });
  const { ja3nHash, ja3Hash } = core.hello;
  statusOf({
    extensions: [
      [5, EMPTY],
      [23, EMPTY],
    ],
  });
  assert.equal(core.hello.ja3nHash, ja3nHash);
  assert.notEqual(core.hello.ja3Hash, ja3Hash);
});

test('counts stop at 99', () => {
  assert.equal(statusOf({ ciphers: Array.from({ length: 500 }, (_, i) => 0x4000 - i) }), 'complete');
  assert.equal(core.hello.ja4.slice(4, 6), '99');
});

test('lists longer than any client needs are refused before they cost time', () => {
  const many = Array.from({ length: 513 }, (_, i) => 0x4000 - i);
  assert.equal(statusOf({ ciphers: many }), 'list_too_long');
  assert.equal(statusOf({ extensions: [[13, codes(many)]] }), 'list_too_long');
});
