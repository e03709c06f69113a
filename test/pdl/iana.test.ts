import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createSecureContext, getCiphers } from 'node:tls';
import { hostTarget } from '../../src/orchestrator/target.ts';
import {
  CIPHER_CODES,
  CIPHERS,
  GROUPS,
  isTls13Cipher,
  isWeakCipher,
  SIGALGS,
} from '../../src/pdl/registry/iana.ts';
import { RELEASE_TARGET, type Target } from '../../src/pdl/registry/target.ts';
import { BASE, compileText, errorsOf } from './support.ts';

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

/** Code points by IANA name, of every suite that the program `openssl` knows; null without it. */
function opensslSuites(): ReadonlyMap<string, number> | null {
  try {
    const list = ['ciphers', '-V', '-stdname', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'];
    const lines = execFileSync('openssl', list, { encoding: 'utf8' }).trim().split('\n');
    return new Map(
      lines.map((line) => {
        const [, high, low, name] = /0x(\w\w),0x(\w\w) - (\S+)/.exec(line)!;
        return [name!, Number.parseInt(high! + low!, 16)];
      }),
    );
  } catch {
    return null;
  }
}

const SUITES = opensslSuites();

test('suites have the code points that OpenSSL knows them by', {
  skip: SUITES ? false : 'openssl is not there',
}, () => {
  const shared = [...CIPHER_CODES].filter(([name]) => SUITES!.has(name));
  assert.ok(shared.length > 60, `${shared.length} shared`);
  for (const [name, code] of shared) assert.equal(code, SUITES!.get(name), name);
});

test('this Node serves all that the release was made for', () => {
  const { ciphers, groups, sigalgs, name } = hostTarget();
  assert.match(name, /^Node \d+\.\S+ with OpenSSL \d/);
  assert.deepEqual(
    [ciphers, groups, sigalgs].map((set) => [...set]),
    [RELEASE_TARGET.ciphers, RELEASE_TARGET.groups, RELEASE_TARGET.sigalgs].map((set) => [...set]),
  );
});

test('a policy is checked against the target it is for', () => {
  const old = { ...RELEASE_TARGET, name: 'OpenSSL 3.0', groups: new Set([0x001d, 0x0017, 0x0018]) };
  const text = `${BASE}policy p extends low { tls { groups = [ X25519MLKEM768, x25519 ] } }\n`;
  const found = (target: Target): string[] =>
    compileText(text, {}, 'main.pdl', { target })
      .diagnostics.filter(({ code }) => code === 'PDL-Y020')
      .map(({ message }) => message);
  assert.deepEqual(found(RELEASE_TARGET), []);
  assert.ok(found(old).includes('`X25519MLKEM768` in policy `p` cannot be served'));
});

test('a name that every object has is no alert', () => {
  const text = `${BASE.slice(0, -2)}  deny x when hello.size < 5B do refuse alert constructor\n}\n`;
  assert.deepEqual(
    errorsOf(compileText(text)).map(({ code }) => code),
    ['PDL-N007'],
  );
});
