import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_HEADER_BYTES, type ReceivedHeader, readProxyHeader } from '../../src/edge/proxy-header.ts';
import { encodeProxyV2 } from '../../src/edge/proxy-v2.ts';
import { formatIp } from '../../src/orchestrator/ip.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const v1 = (text: string): Buffer => Buffer.from(`${text}\r\n`, 'latin1');

/** A version 2 header: command, family, addresses and fields in hex. */
function v2(command: string, family: string, block: string): Buffer {
  const length = (block.length / 2).toString(16).padStart(4, '0');
  return Buffer.from(`${SIGNATURE}${command}${family}${length}${block}`, 'hex');
}

const TCP4 = 'c0000207c6336401126701bb';
const GOOD: readonly (readonly [what: string, bytes: Buffer, expected: string])[] = [
  ['TCP4', v1('PROXY TCP4 192.0.2.7 198.51.100.1 4711 443'), '192.0.2.7 4711'],
  ['TCP6', v1('PROXY TCP6 2001:db8::7 2001:db8::1 65535 443'), '2001:db8::7 65535'],
  ['TCP6 with a mapped address', v1('PROXY TCP6 ::ffff:192.0.2.7 ::1 0 443'), '192.0.2.7 0'],
  ['UNKNOWN', v1('PROXY UNKNOWN'), 'proxied'],
  ['UNKNOWN with anything behind it', v1('PROXY UNKNOWN ffff::1 x 1 2'), 'proxied'],
  ['version 2, TCP4', v2('21', '11', TCP4), '192.0.2.7 4711'],
  [
    'version 2, TCP6',
    v2('21', '21', `20010db8${'0'.repeat(23)}7${'0'.repeat(31)}1126701bb`),
    '2001:db8::7 4711',
  ],
  ['version 2, a local socket', v2('21', '31', '00'.repeat(216)), 'proxied'],
  ['version 2, unspecified', v2('21', '00', ''), 'proxied'],
  ['version 2, LOCAL', v2('20', '00', ''), 'local'],
  ['version 2, LOCAL with addresses', v2('20', '11', TCP4), 'local'],
  ['version 2 with an unknown field', v2('21', '11', `${TCP4}ee0003010203`), '192.0.2.7 4711'],
];

function told(header: ReceivedHeader): string {
  const { client, isLocal } = header;
  if (client === null) return isLocal ? 'local' : 'proxied';
  return `${formatIp(client.ip, client.isV4)} ${client.port}`;
}

for (const [what, bytes, expected] of GOOD) {
  test(`${what} is read, and every shorter piece of it is waited for`, () => {
    const behind = Buffer.concat([bytes, Buffer.from('1603010200', 'hex')]);
    for (const whole of [bytes, behind]) {
      const header = readProxyHeader(whole);
      assert.ok(typeof header === 'object' && 'length' in header, JSON.stringify(header));
      assert.equal(told(header), expected);
      assert.equal(header.length, bytes.length);
    }
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(readProxyHeader(bytes.subarray(0, length)), 'more', `after ${length} bytes`);
    }
  });
}

const WRONG: readonly (readonly [what: string, bytes: Buffer, problem: RegExp])[] = [
  ['another protocol', v1('PROXY UDP4 192.0.2.7 198.51.100.1 4711 443'), /neither TCP4/],
  ['no protocol', v1('PROXY '), /neither TCP4/],
  ['two spaces', v1('PROXY  TCP4 192.0.2.7 198.51.100.1 4711 443'), /neither TCP4/],
  ['three parts', v1('PROXY TCP4 192.0.2.7 198.51.100.1 4711'), /two addresses/],
  ['five parts', v1('PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 1'), /two addresses/],
  ['an address of the other family', v1('PROXY TCP4 2001:db8::7 198.51.100.1 4711 443'), /two addresses/],
  ['IPv4 under TCP6', v1('PROXY TCP6 192.0.2.7 198.51.100.1 4711 443'), /two addresses/],
  ['a mapped address under TCP4', v1('PROXY TCP4 ::ffff:192.0.2.7 198.51.100.1 4711 443'), /two addresses/],
  ['an octet too large', v1('PROXY TCP4 192.0.2.256 198.51.100.1 4711 443'), /two addresses/],
  ['an octet with a zero before it', v1('PROXY TCP4 192.0.02.7 198.51.100.1 4711 443'), /two addresses/],
  ['a zone', v1('PROXY TCP6 fe80::1%eth0 2001:db8::1 4711 443'), /two addresses/],
  ['a port too large', v1('PROXY TCP4 192.0.2.7 198.51.100.1 65536 443'), /two addresses/],
  ['a negative port', v1('PROXY TCP4 192.0.2.7 198.51.100.1 -1 443'), /two addresses/],
  ['a port with a zero before it', v1('PROXY TCP4 192.0.2.7 198.51.100.1 04711 443'), /two addresses/],
  ['a bare line feed', Buffer.from('PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n'), /CR LF/],
  ['a line without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`), /longer than 107/],
  ['version 1 in the binary form', v2('11', '11', TCP4), /unknown version or command/],
  ['version 3', v2('31', '11', TCP4), /unknown version or command/],
  ['command 2', v2('22', '11', TCP4), /unknown version or command/],
  ['UDP', v2('21', '12', TCP4), /not about TCP/],
  ['family 4', v2('21', '41', TCP4), /not about TCP/],
  ['half an address', v2('21', '11', TCP4.slice(0, 20)), /too short for its addresses/],
  ['IPv6 with room for IPv4', v2('21', '21', TCP4), /too short for its addresses/],
  ['a field that is cut', v2('21', '11', `${TCP4}0100`), /ends inside a field/],
  ['a field longer than the header', v2('21', '11', `${TCP4}010004aabb`), /ends inside a field/],
  ['a wrong checksum', v2('21', '11', `${TCP4}03000400000000`), /checksum/],
  ['a checksum of two bytes', v2('21', '11', `${TCP4}0300020000`), /checksum/],
  ['a header of 64 KiB', Buffer.from(`${SIGNATURE}2111ffff`, 'hex'), /longer than 4096 bytes/],
];

for (const [what, bytes, expected] of WRONG) {
  test(`refused: ${what}`, () => {
    const answer = readProxyHeader(bytes);
    assert.ok(typeof answer === 'object' && 'problem' in answer, JSON.stringify(answer));
    assert.match(answer.problem, expected);
  });
}

test('what begins otherwise is no header: TLS, HTTP, lower case, a signature with one wrong bit', () => {
  for (const hex of [
    '1603010200',
    '474554202f',
    Buffer.from('proxy TCP4').toString('hex'),
    '0d0a0d0a000d0a515549540b',
  ]) {
    assert.equal(readProxyHeader(Buffer.from(hex, 'hex')), 'none');
  }
  assert.equal(readProxyHeader(Buffer.from('PROXX ')), 'none');
});

const HEADER = fc.record({
  sourceIp: fc.oneof(fc.ipV4(), fc.ipV6()),
  sourcePort: fc.nat(65_535),
  destinationIp: fc.oneof(fc.ipV4(), fc.ipV6()),
  destinationPort: fc.nat(65_535),
  alpn: fc.option(fc.constantFrom('h2', 'http/1.1')),
  authority: fc.option(fc.domain()),
  tls: fc.option(fc.constant({ version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' })),
  score: fc.nat(100),
  policy: fc.string({ maxLength: 300 }),
  ja4: fc.constant('t13d1516h2_8daaf6152771_02713d6af862'),
});

test('what this edge sends to an upstream, checksum included, it reads itself', () => {
  fc.assert(
    fc.property(HEADER, (sent) => {
      const bytes = encodeProxyV2(sent);
      const header = readProxyHeader(bytes);
      assert.ok(typeof header === 'object' && 'length' in header, JSON.stringify(header));
      assert.equal(header.length, bytes.length);
      assert.equal(header.client!.port, sent.sourcePort);
    }),
  );
});

test('a header whose addresses were damaged does not pass its checksum', () => {
  fc.assert(
    fc.property(HEADER, fc.nat(), fc.integer({ min: 1, max: 255 }), (sent, where, change) => {
      const bytes = encodeProxyV2(sent);
      const addresses = bytes[13] === 0x11 ? 12 : 36;
      bytes[16 + (where % addresses)]! ^= change;
      assert.deepEqual(readProxyHeader(bytes), { problem: 'the checksum of a PROXY header is wrong' });
    }),
  );
});

test('any bytes have one answer, a bounded one, and more bytes never change it once it is given', () => {
  const first = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY '), Buffer.from(SIGNATURE, 'hex'));
  fc.assert(
    fc.property(first, fc.uint8Array({ maxLength: 300 }), (prefix, tail) => {
      const bytes = Buffer.concat([prefix, tail]);
      let given: unknown = null;
      for (let length = 0; length <= bytes.length; length++) {
        const answer = readProxyHeader(bytes.subarray(0, length));
        if (given !== null) assert.deepEqual(answer, given);
        else if (answer !== 'more') given = answer;
        if (typeof answer === 'object' && 'length' in answer) assert.ok(answer.length <= MAX_HEADER_BYTES);
      }
    }),
  );
});
