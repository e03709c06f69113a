/** Keys of counters and limits that are made of any fact that identifies someone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { KeyHasher } from '../../src/limit/key.ts';
import { clientAtAccept } from '../../src/orchestrator/client.ts';
import { hashKey, keyText, learnKeyFacts, otherKeyFacts } from '../../src/orchestrator/client-key.ts';
import { factIndex } from '../../src/orchestrator/facts.ts';
import type { KeyPart } from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';

const KEYED = ['ip', 'asn', 'country', 'host', 'ja3', 'ja4', 'fingerprint', 'spiffe', 'string', 'ident'];
const BUILT_IN = [
  'conn.ip',
  'conn.listener',
  'conn.asn',
  'conn.country',
  'hello.sni',
  'hello.ja3',
  'hello.ja4',
];
const core = new Core(loadCoreModule());
const hasher = new KeyHasher(new Uint8Array(16));

function part(fact: number): KeyPart {
  return { fact, v4: 32, v6: 128 };
}

function client() {
  const ip = new Uint8Array(16).fill(1);
  return clientAtAccept({
    listener: 'edge',
    ip,
    isV4: false,
    proxied: false,
    port: 1,
    syn: null,
    rttUs: null,
    nowMs: 0,
    inflight: 0,
  });
}

for (const [fact, { name, type, list }] of FACTS.entries()) {
  if (list || !KEYED.includes(type) || BUILT_IN.includes(name)) continue;
  test(`clients are told apart by ${name}`, () => {
    const keyOf = (value: string | null): string | null => {
      core.begin();
      if (value !== null) core.setText(fact, value);
      const someone = client();
      learnKeyFacts(core, someone, [fact]);
      if (!hashKey(hasher, 1, 'few', [part(fact)], someone)) return null;
      return `${hasher.hi} ${hasher.lo} ${keyText([part(fact)], someone)}`;
    };
    assert.equal(keyOf(null), null);
    assert.equal(keyOf('one'), keyOf('one'));
    assert.notEqual(keyOf('one'), keyOf('two'));
  });
}

test('what a request told is forgotten with the next one', () => {
  const fact = factIndex('http.user_agent');
  const someone = client();
  core.begin();
  core.setText(fact, 'one');
  learnKeyFacts(core, someone, [fact]);
  core.begin();
  learnKeyFacts(core, someone, [fact]);
  assert.equal(hashKey(hasher, 1, 'few', [part(fact)], someone), false);
});

test('only facts that clients have no field for are looked up', () => {
  const key = [...BUILT_IN, 'http.path'].map((name) => part(factIndex(name)));
  const empty = { counters: [], canaries: [], challenges: [] };
  const program = { ...empty, limits: [{ key }] } as unknown as Parameters<typeof otherKeyFacts>[0];
  assert.deepEqual(otherKeyFacts(program), [factIndex('http.path')]);
});
