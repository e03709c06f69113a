import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/edge/crc32c.ts';
import { TLV } from '../../src/edge/proxy-format.ts';
import { encodeProxyV2, type ProxyHeader } from '../../src/edge/proxy-v2.ts';
import { decodeProxyV2 } from '../support/proxy-v2.ts';

const HEADER: ProxyHeader = {
  sourceIp: '192.0.2.7',
  sourcePort: 4711,
  destinationIp: '198.51.100.1',
  destinationPort: 443,
  alpn: 'h2',
  authority: 'shop.example',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' },
  score: 12,
  policy: 'trusted',
  ja4: 't13d1516h2_8daaf6152771_02713d6af862',
};

test('CRC-32C gives the published checksums', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
});

test('a header carries the addresses and every field', () => {
  const { source, destination, fields } = decodeProxyV2(encodeProxyV2(HEADER));
  assert.equal(source, '192.0.2.7 4711');
  assert.equal(destination, '198.51.100.1 443');
  const expected: [number, string][] = [
    [TLV.alpn, 'h2'],
    [TLV.authority, 'shop.example'],
    [TLV.sslVersion, 'TLSv1.3'],
    [TLV.sslCipher, 'TLS_AES_128_GCM_SHA256'],
    [TLV.score, '12'],
    [TLV.policy, 'trusted'],
    [TLV.ja4, HEADER.ja4],
  ];
  for (const [type, value] of expected) assert.equal(fields.get(type)?.toString(), value, type.toString(16));
  assert.equal(fields.get(TLV.ssl)!.readUInt8(0), 1);
});

test('IPv6 addresses go as they are', () => {
  const header = { ...HEADER, sourceIp: '2001:db8::1', destinationIp: '2001:db8::2' };
  const { source, destination } = decodeProxyV2(encodeProxyV2(header));
  assert.equal(source, '2001:db8::1 4711');
  assert.equal(destination, '2001:db8::2 443');
});

test('mixed families go as IPv6, mapped IPv4 as IPv4', () => {
  const mixed = encodeProxyV2({ ...HEADER, destinationIp: '2001:db8::2' });
  assert.equal(mixed[13], 0x21);
  const mapped = encodeProxyV2({ ...HEADER, destinationIp: '::ffff:198.51.100.1' });
  assert.equal(decodeProxyV2(mapped).destination, '198.51.100.1 443');
});

test('an address that is not known is the unspecified one', () => {
  const { destination } = decodeProxyV2(encodeProxyV2({ ...HEADER, destinationIp: '', destinationPort: 0 }));
  assert.equal(destination, '0.0.0.0 0');
});

test('fields without a value are left out', () => {
  const { fields } = decodeProxyV2(encodeProxyV2({ ...HEADER, alpn: null, authority: null }));
  assert.ok(!fields.has(TLV.alpn) && !fields.has(TLV.authority));
});

test('the checksum covers the whole header', () => {
  const bytes = encodeProxyV2(HEADER);
  const sum = decodeProxyV2(bytes).fields.get(TLV.crc32c)!.readUInt32BE();
  bytes.writeUInt32BE(0, bytes.length - 4);
  assert.equal(crc32c(bytes), sum);
});
