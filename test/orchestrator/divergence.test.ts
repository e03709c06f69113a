import assert from 'node:assert/strict';
import { test } from 'node:test';
import { divergence, type Offered } from '../../src/orchestrator/divergence.ts';
import type { Negotiated } from '../../src/orchestrator/negotiated.ts';

const NEGOTIATED: Negotiated = {
  version: 0x0304,
  cipher: 0x1301,
  group: 29,
  serverName: 'shop.example',
  alpn: 'h2',
  resumed: false,
  certificate: 'ecdsa',
};
const OFFERED: Offered = {
  sni: 'shop.example',
  alpn: ['h2', 'http/1.1'],
  versions: [0x0304, 0x0303],
  ciphers: [0x1301, 0x1303, 0xc02b],
  groups: [29, 23, 24],
};
const TLS = { minVersion: 0x0303, maxVersion: 0x0304, ciphers: [0x1301, 0x1302, 0xc02b], groups: [29, 24] };
const ALLOWED = { tls: TLS, alpn: ['h2', 'http/1.1'], floor: 0x0303 };

test('what was offered and allowed is no divergence', () => {
  assert.equal(divergence(NEGOTIATED, OFFERED, ALLOWED), null);
});

for (const [what, negotiated, offered] of [
  ['a version above those parsed', {}, { versions: [0x0303] }],
  ['a version below those parsed', { version: 0x0303, cipher: 0xc02b }, { versions: [0x0304] }],
  ['a version below the floor', { version: 0x0302 }, {}],
  ['a suite that the policy has not', { cipher: 0x1303 }, {}],
  ['a suite that the hello has not', { cipher: 0x1302 }, {}],
  ['a group that the policy has not', { group: 23 }, {}],
  ['a group that the hello has not', {}, { groups: [23, 24] }],
  ['another server name', { serverName: 'admin.example' }, {}],
  ['a server name where none was parsed', {}, { sni: null }],
  ['no server name where one was parsed', { serverName: null }, {}],
  ['no protocol where one was parsed and allowed', { alpn: null }, {}],
  ['a protocol that the hello has not', {}, { alpn: ['http/1.1'] }],
  ['a protocol that nobody allowed', { alpn: 'smtp' }, { alpn: ['smtp'] }],
] as const) {
  test(`${what} is a divergence`, () => {
    const found = divergence({ ...NEGOTIATED, ...negotiated }, { ...OFFERED, ...offered }, ALLOWED);
    assert.match(found!, /was negotiated/);
  });
}

test('a version that the operator’s floor forbids is a divergence, whatever the policy allows', () => {
  const version = { ...NEGOTIATED, version: 0x0303, cipher: 0xc02b };
  assert.equal(divergence(version, OFFERED, ALLOWED), null);
  assert.match(divergence(version, OFFERED, { ...ALLOWED, floor: 0x0304 })!, /version 0x0303/);
});

test('a name in capitals or with a final dot is the same name', () => {
  assert.equal(divergence({ ...NEGOTIATED, serverName: 'SHOP.Example.' }, OFFERED, ALLOWED), null);
});

test('no protocol is what comes of none in common', () => {
  assert.equal(divergence({ ...NEGOTIATED, alpn: null }, { ...OFFERED, alpn: ['smtp'] }, ALLOWED), null);
  assert.equal(divergence({ ...NEGOTIATED, alpn: null }, OFFERED, { ...ALLOWED, alpn: [] }), null);
});

test('a resumed TLS 1.2 session may have no server name of its own, but no other one', () => {
  const session = { ...NEGOTIATED, version: 0x0303, cipher: 0xc02b, resumed: true };
  assert.equal(divergence({ ...session, serverName: null }, OFFERED, ALLOWED), null);
  assert.match(divergence({ ...session, serverName: 'admin.example' }, OFFERED, ALLOWED)!, /server name/);
});

test('the group of a resumed TLS 1.2 session is its first handshake’s, and not compared', () => {
  const session = { ...NEGOTIATED, version: 0x0303, cipher: 0xc02b, group: 23, resumed: true };
  assert.equal(divergence(session, OFFERED, ALLOWED), null);
  assert.match(divergence({ ...session, resumed: false }, OFFERED, ALLOWED)!, /group/);
});
