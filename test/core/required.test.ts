import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProgram } from '../../src/core/image.ts';
import * as L from '../../src/core/layout.gen.ts';
import { type CoreExports, instantiateCore, loadCoreModule } from '../../src/core/module.ts';
import type { Atom, Program } from '../../src/pdl/ir.ts';
import { helloMessage } from '../support/hello-bytes.ts';
import { fact, program } from '../support/program.ts';

const JA3 = 1 << L.TEXT_JA3;
const JA4 = 1 << L.TEXT_JA4;

function reading(...names: string[]): Program {
  return program({ atoms: names.map((name): Atom => ({ kind: 'known', operand: { fact: fact(name) } })) });
}

function load(core: CoreExports, source: Program): void {
  const { image } = encodeProgram(source);
  new Uint8Array(core.memory.buffer).set(image, core.sp_region(L.REGION_IMAGE));
  assert.ok(core.sp_load_image(image.length) > 0);
}

/** Which fingerprints a hello gets, in the structure and as facts. */
function made(core: CoreExports): string[] {
  const hello = helloMessage();
  new Uint8Array(core.memory.buffer).set(hello, core.sp_region(L.REGION_INPUT));
  assert.equal(core.sp_parse(hello.length, L.FORM_HANDSHAKE, L.PROTO_TLS), 0);
  const view = new DataView(core.memory.buffer);
  const at = core.sp_region(L.REGION_HELLO);
  const stateOf = (name: string): number =>
    view.getUint32(core.sp_region(L.REGION_SLOTS) + fact(name) * L.SLOT_BYTES + L.SLOT_STATE_AT, true);
  const kinds = [
    ['hello.ja3', L.HELLO_JA3_HASH_AT],
    ['hello.ja4', L.HELLO_JA4_AT],
  ] as const;
  return kinds.flatMap(([name, offset]) => {
    const isThere = view.getUint8(at + offset) !== 0;
    assert.equal(stateOf(name) === L.STATE_BYTES, isThere);
    return isThere ? [name] : [];
  });
}

test('both fingerprints are made until a host says which it wants', () => {
  const core = instantiateCore(loadCoreModule());
  assert.deepEqual(made(core), ['hello.ja3', 'hello.ja4']);
  core.sp_set_fingerprints(JA4);
  assert.deepEqual(made(core), ['hello.ja4']);
  core.sp_set_fingerprints(0);
  assert.deepEqual(made(core), []);
  core.sp_set_fingerprints(JA3 | JA4);
  assert.deepEqual(made(core), ['hello.ja3', 'hello.ja4']);
});

test('a fingerprint that the policy reads is made whether the host wants it or not', () => {
  const core = instantiateCore(loadCoreModule());
  core.sp_set_fingerprints(0);
  load(core, reading('hello.ja3'));
  assert.deepEqual(made(core), ['hello.ja3']);
  load(core, reading('conn.port'));
  assert.deepEqual(made(core), []);
});

test('an image names the facts that it reads', () => {
  const core = instantiateCore(loadCoreModule());
  const required = (): number[] =>
    Array.from({ length: L.MAX_FACTS }, (_, index) => index).filter(
      (index) => (core.sp_required_facts(index >> 5) >>> (index & 31)) & 1,
    );
  assert.deepEqual(required(), []);
  load(core, reading('conn.port', 'hello.ja4', 'http.method'));
  assert.deepEqual(
    required(),
    [fact('conn.port'), fact('hello.ja4'), fact('http.method')].sort((a, b) => a - b),
  );
  assert.equal(core.sp_required_facts(-1), 0);
  assert.equal(core.sp_required_facts(3), 0);
});
