/** The rules of JA4 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md), one test each. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as L from '../../src/core/layout.gen.ts';
import { alpn, codes, type HelloParts, helloMessage, serverName } from '../support/hello-bytes.ts';
import { RawCore } from '../support/raw-core.ts';
import { missing, readJson } from '../support/shared-data.ts';

const SPECIFICATION = 'kat/ja4_spec_kat.json';
const cores = [new RawCore('scalar'), new RawCore('simd')];
const EMPTY = Buffer.alloc(0);

type Kind = 'ja4' | 'ja4_r' | 'ja4_o' | 'ja4_ro';
const KINDS: Readonly<Record<Kind, number>> = {
  ja4: L.TEXT_JA4,
  ja4_r: L.TEXT_JA4_R,
  ja4_o: L.TEXT_JA4_O,
  ja4_ro: L.TEXT_JA4_RO,
};

/** A fingerprint of a hello made to order, on which both builds agree. */
function ja4(parts: HelloParts, kind: Kind = 'ja4', proto: number = L.PROTO_TLS): string {
  const message = helloMessage(parts);
  const [scalar, simd] = cores.map((core) => {
    core.parse(message, L.FORM_HANDSHAKE, proto);
    return core.text(KINDS[kind]);
  });
  assert.equal(simd, scalar);
  return scalar!;
}

function dtls(version: number): string {
  const body = Buffer.concat([
    Buffer.from([version >> 8, version & 255]),
    Buffer.alloc(32),
    Buffer.from([0, 0, 0, 2, 0x13, 0x01, 1, 0]),
  ]);
  const header = Buffer.from([1, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, body.length]);
  const [core] = cores as [RawCore, RawCore];
  core.parse(Buffer.concat([header, body]), L.FORM_HANDSHAKE, L.PROTO_DTLS);
  return core.text(L.TEXT_JA4);
}

function short(text: string): string {
  return hash('sha256', text).slice(0, 12);
}

/** By rule, as quoted beside the code: what shows that it is kept. */
const RULES: Readonly<Record<string, () => void>> = {
  'QUIC and DTLS: If the protocol is QUIC then the first character of the fingerprint is "q", if DTLS it is "d", else it is "t".':
    () => {
      assert.equal(ja4({})[0], 't');
      assert.equal(ja4({}, 'ja4', L.PROTO_QUIC)[0], 'q');
      assert.equal(dtls(0xfefd)[0], 'd');
    },
  'TLS and DTLS Version: If extension 0x002b exists (supported_versions), then the version is the highest value in the extension. Remember to ignore GREASE values. If the extension doesn\'t exist, then the TLS version is the value of the Protocol Version. [...] Unknown = "00"':
    () => {
      const offered = (...versions: number[]): string =>
        ja4({ extensions: [[43, codes(versions, 1)]] }).slice(1, 3);
      assert.equal(offered(0x0303, 0x0304, 0x0302), '13');
      assert.equal(offered(0xfafa, 0x0303), '12');
      assert.equal(offered(0x7f1c, 0x0304), '00');
      const legacy = (version: number): string => ja4({ version }).slice(1, 3);
      assert.deepEqual([0x0304, 0x0303, 0x0302, 0x0301, 0x0300, 0x0002, 0x0305].map(legacy), [
        '13',
        '12',
        '11',
        '10',
        's3',
        's2',
        '00',
      ]);
      assert.deepEqual(
        [0xfeff, 0xfefd, 0xfefc, 0xfefe].map((version) => dtls(version).slice(1, 3)),
        ['d1', 'd2', 'd3', '00'],
      );
    },
  'SNI: If the SNI extension (0x0000) exists, then the destination of the connection is a domain, or "d" in the fingerprint. If the SNI does not exist, then the destination is an IP address, or "i".':
    () => {
      assert.equal(ja4({ extensions: [[0, serverName('a.test')]] })[3], 'd');
      assert.equal(ja4({ extensions: [[0, EMPTY]] })[3], 'd');
      assert.equal(ja4({})[3], 'i');
    },
  'Number of Ciphers: 2 character number of cipher suites, so if there\'s 6 cipher suites in the hello packet, then the value should be "06". If there\'s > 99, which there should never be, then output "99". Remember, ignore GREASE values.':
    () => {
      const count = (ciphers: number[]): string => ja4({ ciphers }).slice(4, 6);
      assert.equal(count([1, 2, 3, 4, 5, 0x00ff]), '06');
      assert.equal(count([0x0a0a, 0xfafa, 0xfe00]), '01');
      assert.equal(count([]), '00');
      assert.equal(count(Array.from({ length: 99 }, (_, i) => i)), '99');
      assert.equal(count(Array.from({ length: 100 }, (_, i) => i)), '99');
    },
  'Number of Extensions: Same as counting ciphers. Ignore GREASE. Include SNI and ALPN.': () => {
    const extensions = [
      [0x1a1a, EMPTY],
      [0, serverName('a.test')],
      [16, alpn('h2')],
      [23, EMPTY],
    ] as const;
    assert.equal(ja4({ extensions }).slice(6, 8), '03');
    const many = Array.from({ length: 120 }, (_, i) => [0x4000 + i, EMPTY] as const);
    assert.equal(ja4({ extensions: many }).slice(6, 8), '99');
  },
  'ALPN Extension Value: The first and last ASCII alphanumeric characters of the ALPN (Application-Layer Protocol Negotiation) first value. [...] If there is no ALPN extension, no ALPN values, or the first ALPN value is empty, then we print "00" as the value in the fingerprint. [...] If the first or last byte of the first ALPN is not an ASCII alphanumeric character (meaning not `0x30-0x39`, `0x41-0x5A`, or `0x61-0x7A`), then we print the first and last characters of the hex representation of the first ALPN instead.':
    () => {
      const ends = (...names: string[]): string => ja4({ extensions: [[16, alpn(...names)]] }).slice(8, 10);
      assert.equal(ends('h2', 'http/1.1'), 'h2');
      assert.equal(ends('http/1.1'), 'h1');
      assert.equal(ends('X'), 'XX');
      assert.equal(ends('\xab'), 'ab');
      assert.equal(ends('\xab\xcd'), 'ad');
      assert.equal(ends('0\xab'), '3b');
      assert.equal(ends('01\xab\xcd'), '3d');
      assert.equal(ends('0\xab\xcd1'), '01');
      for (const edge of ['/', ':', '@', '[', '`', '{']) {
        assert.equal(ends(edge), Buffer.from(edge).toString('hex'), edge);
      }
      assert.equal(ends('', 'h2'), '00');
      assert.equal(ends(), '00');
      assert.equal(ja4({}).slice(8, 10), '00');
    },
  'Cipher hash: If there are no ciphers in the sorted cipher list, then the value of JA4_b is set to `000000000000`':
    () => {
      assert.equal(ja4({ ciphers: [] }).split('_')[1], '000000000000');
      assert.equal(ja4({ ciphers: [0x0a0a] }).split('_')[1], '000000000000');
    },
  'Cipher hash: The list is created using the 4 character hex values of the ciphers, lower case, comma delimited, ignoring GREASE yet still including other non-cipher values such as SCSV (0x00FF, 0x5600) and Experimental/Reserved values (0xFE00-0xFEFF).':
    () => {
      const ciphers = [0xfe00, 0x5600, 0x1a1a, 0x00ff, 0xc02f];
      assert.equal(ja4({ ciphers }, 'ja4_r').split('_')[1], '00ff,5600,c02f,fe00');
      assert.equal(ja4({ ciphers }, 'ja4_ro').split('_')[1], 'fe00,5600,00ff,c02f');
    },
  'Cipher hash: A 12 character truncated sha256 hash of the list of ciphers sorted in hex order, first 12 characters.':
    () => {
      assert.equal(ja4({ ciphers: [0xc02f, 0x1301] }).split('_')[1], short('1301,c02f'));
      assert.equal(ja4({ ciphers: [0xc02f, 0x1301] }, 'ja4_o').split('_')[1], short('c02f,1301'));
    },
  'Extension hash: If there are no extensions in the sorted extensions list, then the value of JA4_c is set to `000000000000`':
    () => {
      for (const extensions of [
        null,
        [],
        [[0x1a1a, EMPTY]],
        [
          [16, alpn('h2')],
          [0, serverName('a.test')],
        ],
      ] as const) {
        assert.equal(ja4({ extensions }).split('_')[2], '000000000000');
        assert.equal(ja4({ extensions }, 'ja4_o').split('_')[2], '000000000000');
      }
    },
  "Extension hash: The extension list is created using the 4 character hex values of the extensions, lower case, comma delimited, sorted (not in the order they appear). Ignore the SNI extension (0000) and the ALPN extension (0010) as we've already captured them in the _a_ section of the fingerprint.":
    () => {
      const extensions = [
        [0xff01, Buffer.from([0])],
        [16, alpn('h2')],
        [0x2a2a, EMPTY],
        [0, serverName('a.test')],
        [23, EMPTY],
      ] as const;
      assert.equal(ja4({ extensions }, 'ja4_r').split('_').slice(2).join('_'), '0017,ff01');
      assert.equal(ja4({ extensions }).split('_')[2], short('0017,ff01'));
      assert.equal(ja4({ extensions }, 'ja4_ro').split('_')[2], 'ff01,0010,0000,0017');
    },
  'Extension hash: The signature algorithm hex values are then added to the end of the list in the order that they appear (not sorted) with an underscore delimiting the two lists. [...] If there are no signature algorithms in the hello packet, then the string ends without an underscore and is hashed.':
    () => {
      const sigalgs = [13, codes([0x0804, 0x3a3a, 0x0403])] as const;
      assert.equal(ja4({ extensions: [sigalgs] }).split('_')[2], short('000d_0804,0403'));
      assert.equal(ja4({ extensions: [[23, EMPTY]] }).split('_')[2], short('0017'));
      assert.equal(ja4({ extensions: [[13, codes([])]] }).split('_')[2], short('000d'));
    },
  'Raw Output: The program should allow for raw outputs either sorted or original.': () => {
    const parts: HelloParts = {
      ciphers: [0xc02f, 0x1301],
      extensions: [
        [23, EMPTY],
        [13, codes([0x0403])],
      ],
    };
    assert.equal(ja4(parts, 'ja4_r'), 't12i020200_1301,c02f_000d,0017_0403');
    assert.equal(ja4(parts, 'ja4_ro'), 't12i020200_c02f,1301_0017,000d_0403');
    assert.equal(ja4(parts, 'ja4_o'), `t12i020200_${short('c02f,1301')}_${short('0017,000d_0403')}`);
  },
};

for (const [rule, check] of Object.entries(RULES)) test(rule, check);

test('the rules quoted beside the code are those that are tested', () => {
  const source = readFileSync(new URL('../../assembly/ja4.ts', import.meta.url), 'utf8');
  const quotes = [...source.matchAll(/(?:^ *\/\/#.*\n)+/gm)].map(([lines]) =>
    lines
      .replace(/^ *\/\/# /gm, '')
      .trim()
      .replaceAll('\n', ' '),
  );
  assert.deepEqual(quotes.toSorted(), Object.keys(RULES).toSorted());
});

test('the ALPN examples of the specification come out', { skip: missing(SPECIFICATION) }, () => {
  for (const { hex, out } of readJson(SPECIFICATION).alpn_first_value_bytes_to_two_chars) {
    const name = Buffer.from(hex, 'hex').toString('latin1');
    assert.equal(ja4({ extensions: [[16, alpn(name)]] }).slice(8, 10), out, hex);
  }
});

test('the list hashes of the specification come out', { skip: missing(SPECIFICATION) }, () => {
  const { cipher_hash: ciphers, extension_hash: extensions } = readJson(SPECIFICATION);
  const hexCodes = (text: string): number[] => text.split(',').map((code) => Number.parseInt(code, 16));
  const types = hexCodes(extensions.extensions_in_order).filter((type) => type !== 13);
  const sigalgs = codes(hexCodes(extensions.signature_algorithms));
  const [, b, c] = ja4({
    ciphers: hexCodes(ciphers.ciphers_in_order),
    extensions: [...types.map((type) => [type, EMPTY] as const), [13, sigalgs]],
  }).split('_');
  assert.equal(b, ciphers.ja4_b);
  assert.equal(c, extensions.ja4_c);
});

test('the example of the specification comes out', { skip: missing(SPECIFICATION) }, () => {
  assert.equal(short(readJson(SPECIFICATION).extension_hash.ja4_c_raw), 'e5627efa2ab1');
});
