import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSecureContext, getCiphers } from 'node:tls';
import {
  CIPHER_CODES,
  CIPHERS,
  GROUPS,
  isTls13Cipher,
  isWeakCipher,
  SIGALGS,
} from '../../src/pdl/registry/iana.ts';

test('OpenSSL takes every cipher suite name', () => {
  for (const name of CIPHERS.values()) createSecureContext({ ciphers: name });
});

test('OpenSSL takes every group and signature scheme name', () => {
  for (const name of GROUPS.values()) createSecureContext({ ecdhCurve: name });
  for (const name of SIGALGS.values()) createSecureContext({ sigalgs: name });
});

test('every certificate suite that OpenSSL serves by default has a code point', () => {
  const named = new Set([...CIPHERS.values()].map((name) => name.toLowerCase()));
  const lacking = getCiphers().filter((name) => !/psk|srp/.test(name) && !named.has(name));
  assert.deepEqual(lacking, []);
});

test('names stand for the code points of the registry', () => {
  assert.equal(CIPHER_CODES.get('TLS_AES_128_GCM_SHA256'), 0x1301);
  assert.equal(CIPHERS.get(0x1301), 'TLS_AES_128_GCM_SHA256');
  assert.equal(CIPHERS.get(0xc02f), 'ECDHE-RSA-AES128-GCM-SHA256');
  assert.equal(GROUPS.get(0x11ec), 'X25519MLKEM768');
});

test('suites without forward secrecy count as weak and modern ones do not', () => {
  assert.ok(isWeakCipher(0x009c));
  assert.ok(isWeakCipher(0xc013));
  assert.ok(!isWeakCipher(0xc02f));
  assert.ok(!isWeakCipher(0x1301) && isTls13Cipher(0x1301));
});
