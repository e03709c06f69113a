import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { STD } from '../../src/pdl/compile/std.gen.ts';
import type { Policy } from '../../src/pdl/ir.ts';
import { CIPHER_NAMES, GROUP_NAMES } from '../../src/pdl/registry/iana.ts';
import { compileText } from './support.ts';

const LIBRARY = fileURLToPath(new URL('../../policies/std/', import.meta.url));

test('the library in the compiler is policies/std, letter by letter (else: npm run build:std)', () => {
  const files = globSync(`${LIBRARY}*.pdl`).sort();
  assert.ok(files.length > 0);
  assert.deepEqual(
    [...STD],
    files.map((file) => [`std/${basename(file, '.pdl')}`, readFileSync(file, 'utf8')]),
  );
});

/** The policy of that name in the library, made concrete; compiling it must find nothing. */
function profile(name: string): Policy['tls'] {
  const { program, diagnostics } = compileText(`pdl 1
    import "std/tls" as tls
    score none { clamp 0..100  signal listed +1 when client.cleared }
    policy only extends tls.${name} { }
    site all { listen edge  sni any  score none  ladder { from 0 use only }  on_error use only }`);
  assert.deepEqual(diagnostics, []);
  return program!.policies[0]!.tls;
}

const suites = ({ ciphers }: Policy['tls']): unknown[] => ciphers.map((code) => CIPHER_NAMES.get(code));
const groups = (tls: Policy['tls']): unknown[] => tls.groups.map((code) => GROUP_NAMES.get(code));

// Mozilla's Server Side TLS guidelines 6.0, https://ssl-config.mozilla.org/guidelines/6.0.json
const MODERN = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];
const FOR_TLS12 = [
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
];
const CURVES = ['X25519MLKEM768', 'x25519', 'secp256r1', 'secp384r1'];

test('tls.modern is Mozilla’s modern configuration', () => {
  const tls = profile('modern');
  assert.deepEqual(suites(tls), MODERN);
  assert.deepEqual(groups(tls), CURVES);
  assert.deepEqual([tls.minVersion, tls.maxVersion, tls.prefer], [0x0304, 0x0304, 'client']);
});

test('tls.intermediate is Mozilla’s intermediate configuration, in the server’s order', () => {
  const tls = profile('intermediate');
  assert.deepEqual(suites(tls), [...MODERN, ...FOR_TLS12]);
  assert.deepEqual(groups(tls), CURVES);
  assert.deepEqual([tls.minVersion, tls.maxVersion, tls.prefer], [0x0303, 0x0304, 'server']);
});

test('tls.post_quantum prefers the hybrid groups, in the server’s order', () => {
  const tls = profile('post_quantum');
  assert.deepEqual(groups(tls).slice(0, 3), ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024']);
  assert.equal(tls.prefer, 'server');
});
