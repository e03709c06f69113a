import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BUILD_SIMD } from '../../src/core/layout.gen.ts';
import { CORE_ABI, describeCore, instantiateCore, loadCoreModule } from '../../src/core/module.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FILES = ['sallyport_core.wasm', 'sallyport_core_simd.wasm'];
const SIZE_BUDGET = 64 * 1024;
const VARIANTS = ['scalar', 'simd'] as const;

interface Entry {
  readonly name: string;
  readonly kind: string;
}

const { WebAssembly } = globalThis as unknown as {
  WebAssembly: { Module: { imports(module: object): Entry[]; exports(module: object): Entry[] } };
};

for (const variant of VARIANTS) {
  test(`the ${variant} module imports nothing`, () => {
    assert.deepEqual(WebAssembly.Module.imports(loadCoreModule(variant)), []);
  });

  test(`the ${variant} module exports what the ABI's document names, and nothing else`, () => {
    const document = readFileSync(`${ROOT}docs/abi.md`, 'utf8');
    const named = new Set([...document.matchAll(/`(sp_[a-z0-9_]+)[(`]/g)].map(([, name]) => name!));
    const exported = WebAssembly.Module.exports(loadCoreModule(variant)).map(({ name }) => name);
    assert.deepEqual(exported.filter((name) => name !== 'memory').sort(), [...named].sort());
  });

  test(`the ${variant} module names its ABI, layout and build without being run`, () => {
    const { abi, layout, id, flags } = describeCore(loadCoreModule(variant));
    assert.equal((abi.major << 16) | abi.minor, CORE_ABI);
    const source = readFileSync(`${ROOT}assembly/abi/layout.json`);
    assert.equal(layout, createHash('sha256').update(source).digest('hex'));
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.equal(flags.includes('simd'), variant === 'simd');
  });

  test(`the ${variant} module says by a flag whether it uses vectors`, () => {
    const { sp_build_flags: flags } = instantiateCore(loadCoreModule(variant));
    assert.equal(flags.value, variant === 'simd' ? BUILD_SIMD : 0);
  });
}

test('both modules come from one build', () => {
  const [scalar, simd] = VARIANTS.map((variant) => describeCore(loadCoreModule(variant)).id);
  assert.equal(scalar, simd);
});

test('the SIMD twin is taken where the engine has vectors, unless it is forbidden', (t) => {
  t.after(() => {
    delete process.env.SALLYPORT_NO_SIMD;
  });
  assert.ok(describeCore(loadCoreModule()).flags.includes('simd'));
  process.env.SALLYPORT_NO_SIMD = '1';
  assert.ok(!describeCore(loadCoreModule()).flags.includes('simd'));
});

test('a module that is not a decision core is told apart', () => {
  const empty = new (WebAssembly.Module as unknown as new (bytes: Uint8Array) => object)(
    Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
  );
  assert.throws(() => describeCore(empty as ReturnType<typeof loadCoreModule>), /not a decision core/);
});

test('another build of the same sources gives the same bytes, within the size budget', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-build-'));
  try {
    execFileSync(process.execPath, [`${ROOT}scripts/build-wasm.mjs`, '--out', folder]);
    for (const file of FILES) {
      const bytes = readFileSync(join(folder, file));
      assert.ok(bytes.equals(readFileSync(`${ROOT}src/core/${file}`)), `${file} differs`);
      assert.ok(bytes.length <= SIZE_BUDGET, `${file} has ${bytes.length} bytes`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
