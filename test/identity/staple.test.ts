import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { extensionOf } from '../../src/identity/certificate-parts.ts';
import { DerError } from '../../src/identity/der.ts';
import { mustStaple, readOwnCertificate } from '../../src/identity/staple.ts';
import { damage, damaged } from '../support/damage.ts';
import { authority } from '../support/pki.ts';
import { server } from '../support/server-chain.ts';

const RESPONDER = 'http://ocsp.example/a';
const KEY_USAGE = '2.5.29.15';
const ALTERNATIVE_NAMES = '2.5.29.17';
const root = await authority('CN=Root');
const demanding = await server(root, { responder: RESPONDER, mustStaple: true });
const plain = await server(root);
const der = new Uint8Array(demanding.certificate.rawData);

test('of a certificate its responder, its demand for a staple and its issuer are read', () => {
  const read = readOwnCertificate(demanding.pem + root.pem, null);
  assert.equal(read.responder, RESPONDER);
  assert.equal(read.mustStaple, true);
  assert.deepEqual(Buffer.from(read.issuer.der), Buffer.from(root.certificate.rawData));
  const other = readOwnCertificate(plain.pem, root.pem);
  assert.deepEqual([other.responder, other.mustStaple], [null, false]);
});

test('the value of an extension is what the library finds, and null where there is none', () => {
  const { value } = demanding.certificate.getExtension(ALTERNATIVE_NAMES)!;
  assert.deepEqual(Buffer.from(extensionOf(der, ALTERNATIVE_NAMES)!), Buffer.from(value));
  assert.equal(extensionOf(der, KEY_USAGE), null);
});

test('a file without a certificate, or without the issuer, says so', () => {
  assert.throws(() => readOwnCertificate('nothing', root.pem), /holds no certificate/);
  assert.throws(() => readOwnCertificate(demanding.pem, plain.pem), /its issuer is not in the chain/);
});

test('damaged certificates are read or refused, and never throw anything else', () => {
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = damaged(Buffer.from(der), changes);
      assert.equal(typeof mustStaple(bytes), 'boolean');
      try {
        extensionOf(bytes, ALTERNATIVE_NAMES);
      } catch (error) {
        assert.ok(error instanceof DerError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});
