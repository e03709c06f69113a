import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compile } from '../../src/pdl/compile/compile.ts';
import type { Load } from '../../src/pdl/compile/modules.ts';
import { expand } from '../../src/pdl/expand/expand.ts';
import type { Line } from '../../src/pdl/expand/lines.ts';
import { CIPHER_NAMES, GROUP_NAMES } from '../../src/pdl/registry/iana.ts';
import { BASE } from './support.ts';

const PACK = fileURLToPath(new URL('../../policies/', import.meta.url));
const load: Load = (path, from) => {
  const file = resolve(dirname(from), path);
  return { path: file, text: readFileSync(file, 'utf8') };
};
const texts = (lines: readonly Line[], section: string, key: string): string[] =>
  lines.filter((line) => line.section === section && line.key === key).map(({ text }) => text);

for (const file of globSync(`${PACK}*.pdl`)) {
  test(`what ${file.slice(PACK.length)} expands to is what the compiler makes of it`, () => {
    const entry = { path: file, text: readFileSync(file, 'utf8') };
    const expansion = expand(entry, load).expansion!;
    const program = compile(entry, load).program!;
    for (const policy of program.policies) {
      const { lines } = expansion.policies.find(({ name }) => name === policy.name)!;
      assert.deepEqual(
        texts(lines, 'tls', 'ciphers'),
        policy.tls.ciphers.map((code) => CIPHER_NAMES.get(code)),
      );
      assert.deepEqual(
        texts(lines, 'tls', 'groups'),
        policy.tls.groups.map((code) => GROUP_NAMES.get(code)),
      );
      assert.deepEqual(texts(lines, 'rank', ''), [String(policy.rank)]);
      assert.deepEqual(texts(lines, 'handshake', 'timeout'), [`${policy.handshake.timeoutMs / 1000}s`]);
      assert.deepEqual(texts(lines, 'client_cert', '').includes('require'), policy.clientCert !== undefined);
    }
    for (const score of program.scores) {
      const { lines } = expansion.scores.find(({ name }) => name === score.name)!;
      const signals = lines
        .filter(({ key }) => key !== '')
        .map(({ key, text }) => [key, Number.parseInt(text, 10)]);
      const expected = score.signals.map(({ name, points, ramp }) => [name, points ?? ramp!.y0]);
      assert.deepEqual(signals.sort(), expected.sort());
    }
    for (const site of expansion.sites) {
      const compiled = program.sites.find(({ name }) => name === site.name)!;
      const rungs = texts(site.lines, 'ladder', '').map((text) => Number.parseInt(text, 10));
      assert.deepEqual(
        rungs,
        compiled.ladder.map(({ from }) => from),
      );
    }
  });
}

function linesOf(text: string, name: string): readonly Line[] {
  const { expansion, diagnostics } = expand({ path: 'main.pdl', text }, () => null);
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error'),
    [],
  );
  const all = [...expansion!.policies, ...expansion!.scores, ...expansion!.sites];
  return all.find((each) => each.name === name)!.lines;
}

test('each line names the policy that wrote it, and what nobody wrote is a default', () => {
  const lines = linesOf(
    `${BASE}policy own extends low {\n  tls { ciphers -= [ TLS_AES_256_GCM_SHA384 ] }\n  rank 7  }`,
    'own',
  );
  const origin = (section: string, key: string): unknown =>
    lines.find((line) => line.section === section && line.key === key)!.origin;
  assert.deepEqual(origin('rank', ''), { name: 'own', file: 'main.pdl', line: 15 });
  assert.equal((origin('tls', 'versions') as { name: string }).name, 'tls.intermediate');
  assert.equal(origin('tls', 'tickets'), null);
  assert.ok(!texts(lines, 'tls', 'ciphers').includes('TLS_AES_256_GCM_SHA384'));
});

test('a list that is written anew has no items of its ancestors', () => {
  const lines = linesOf(`${BASE}policy own extends low { tls { groups = [ secp384r1 ] } rank 7 }`, 'own');
  assert.deepEqual(texts(lines, 'tls', 'groups'), ['secp384r1']);
});

test('comments and line breaks are no part of a line’s text', () => {
  const lines = linesOf(
    `${BASE}policy own extends low {\n  limits [ # first\n    "not # a comment"\n ] rank 7 }`
      .replace('"not # a comment"', 'f')
      .replace('policy own', 'limit f { per conn.ip allow 5/s then drop }\npolicy own'),
    'own',
  );
  assert.deepEqual(texts(lines, 'limits', ''), ['[ f ]']);
});

test('a site is told in the order in which it decides, with the tier of each rule', () => {
  const rules =
    'deny d when conn.port == 1 do drop\nforbid f when conn.port == 2 do drop\nexempt e when conn.port == 3 use low';
  const lines = linesOf(BASE.replace('on_error use low\n}', `on_error use low\n${rules}\n}`), 'main');
  assert.deepEqual(
    lines.map(({ section }) => section),
    ['listen', 'sni', 'forbid', 'exempt', 'deny', 'score', 'ladder', 'ladder', 'on_error'],
  );
});

test('a rule is enforced when the last of its facts is known, and what the engine cannot do is said', () => {
  const rules = 'deny later when cert.age < 1h do drop\nshadow deny watched when conn.port == 1 do drop';
  const lines = linesOf(BASE.replace('on_error use low\n}', `on_error use low\n${rules}\n}`), 'main');
  const enforced = (key: string): string => lines.find((line) => line.key === key)!.enforced;
  assert.equal(enforced('later'), 'after the handshake');
  const policy = linesOf(
    `${BASE}ca roots from file "r.pem"\npolicy own extends low {\n client_cert require {\n trust [ roots ]\n }\n rank 7 }`,
    'own',
  );
  const certificate = policy.filter(({ section }) => section === 'client_cert');
  assert.deepEqual(
    certificate.map((line) => line.enforced),
    ['by OpenSSL', 'by OpenSSL'],
  );
});

test('a challenge is met where it is delivered', () => {
  const enforced = (deliver: string): string => {
    const challenge = `secret k from env "K"\nchallenge c { kind pow  difficulty 8  solve_within 30s  clears for 1h per conn.ip  secret k ${deliver} }`;
    const text = `${BASE}${challenge}\npolicy own extends low { challenge c  rank 7 }`;
    return linesOf(text, 'own').find(({ section }) => section === 'challenge')!.enforced;
  };
  assert.equal(enforced(''), 'at the request');
  assert.equal(enforced('deliver [ page, header ]'), 'at the request');
  assert.equal(enforced('deliver [ handshake ]'), 'in the handshake');
  assert.equal(enforced('deliver [ handshake, page ]'), 'in the handshake or at the request');
});

test('limits are enforced when the last of them is drawn on', () => {
  const enforced = (limit: string): string => {
    const text = `${BASE}limit few { ${limit} allow 5/s then refuse }\npolicy own extends low { limits [ few ] rank 7 }`;
    return linesOf(text, 'own').find(({ section }) => section === 'limits')!.enforced;
  };
  assert.equal(enforced('per conn.ip'), 'before TLS');
  assert.equal(enforced('per conn.ip of handshake'), 'before TLS');
  assert.equal(enforced('per cert.fingerprint'), 'after the handshake');
  assert.equal(enforced('per conn.ip of request'), 'at the request');
  assert.equal(enforced('per http.host'), 'at the request');
});

test('a policy with errors is not expanded', () => {
  const { expansion, diagnostics } = expand(
    { path: 'main.pdl', text: `${BASE}policy own extends nobody { }` },
    () => null,
  );
  assert.equal(expansion, null);
  assert.equal(diagnostics[0]!.code, 'PDL-N001');
});
