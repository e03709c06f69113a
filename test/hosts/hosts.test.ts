import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { openFirefox } from '../support/firefox.ts';
import { serveFolder } from '../support/static-server.ts';
import { missing } from '../support/tools.ts';
import { EXPECTED, generated, VECTORS } from './vectors.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SCALAR = `${ROOT}src/core/sallyport_core.wasm`;
const SIMD = `${ROOT}src/core/sallyport_core_simd.wasm`;
const EXAMPLES = `${ROOT}examples/embed/`;
const POLICY = `${EXAMPLES}policy`;
/** Its global `answers` is a promise of the browser's lines. */
const PAGE = 'examples/embed/browser/vectors.html';

/** A host of test/hosts/package.json, or the reason to skip its test. */
function installed(name: string): { readonly path: string; readonly skip: string | false } {
  const path = fileURLToPath(new URL(`node_modules/.bin/${name}`, import.meta.url));
  return { path, skip: existsSync(path) ? false : `${name} is not installed: run npm install in test/hosts` };
}

function assertIdentical(answers: string): void {
  assert.deepEqual(answers.split('\n'), readFileSync(EXPECTED, 'utf8').split('\n'));
}

/** Runs a host that reads the vectors from its standard input. */
function assertAnswers(program: string, args: readonly string[]): void {
  const options = { cwd: ROOT, input: readFileSync(VECTORS), encoding: 'utf8' } as const;
  const host: SpawnSyncReturns<string> = spawnSync(program, args, options);
  assert.equal(host.status, 0, host.stderr);
  assertIdentical(host.stdout);
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-host-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('the shared vectors', () => {
  it('are what `npm run vectors` writes', () => {
    for (const [path, content] of generated()) {
      assert.ok(readFileSync(path).equals(content), `${path} is out of date: run npm run vectors`);
    }
  });

  it('reach every tier, every rung, and failures of both parsers', () => {
    const answers = readFileSync(EXPECTED, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const values = (key: string): unknown[] => [...new Set(answers.map((answer) => answer[key]))].sort();
    assert.deepEqual(values('tier'), [0, 1, 2, 3, 4]);
    assert.deepEqual(values('rung'), [-1, 0, 1, 2]);
    assert.ok(values('hello').length >= 8, 'statuses of hellos');
    assert.ok(values('syn').length >= 4, 'statuses of SYNs');
  });
});

const noInterpreter = await missing('wasm-interp');

describe('an interpreter that optimises nothing', () => {
  it('passes the self-test of both builds', { skip: noInterpreter }, () => {
    for (const wasm of [SCALAR, SIMD]) {
      const { stdout } = spawnSync('wasm-interp', ['--run-all-exports', wasm], { encoding: 'utf8' });
      assert.match(stdout, /^sp_selftest\(\) => i32:0$/m, wasm);
    }
  });
});

const deno = installed('deno');
const bun = installed('bun');
const workerd = installed('workerd');
const noWasm2c = await missing('wasm2c');
const noFirefox = await missing('firefox-esr');
const noChromium = await withoutChromium();

describe('the shared vectors get the same answers', () => {
  it('from a bare WebAssembly.instantiate', () => {
    for (const wasm of [SCALAR, SIMD]) {
      assertAnswers(process.execPath, [`${EXAMPLES}bare/host.mjs`, wasm, POLICY]);
    }
  });

  it('from Deno', { skip: deno.skip }, () => {
    for (const wasm of [SCALAR, SIMD]) {
      assertAnswers(deno.path, ['run', '--allow-read', `${EXAMPLES}deno/main.ts`, wasm, POLICY]);
    }
  });

  it('from Bun', { skip: bun.skip }, () => {
    for (const wasm of [SCALAR, SIMD]) assertAnswers(bun.path, [`${EXAMPLES}bun/main.ts`, wasm, POLICY]);
  });

  it('from native code, by way of wasm2c and a C compiler', { skip: noWasm2c }, (t) => {
    const folder = temporaryFolder(t);
    const built = spawnSync(`${EXAMPLES}c/build.sh`, [SCALAR, folder], { encoding: 'utf8' });
    assert.equal(built.status, 0, built.stderr);
    assertAnswers(`${folder}/host`, [POLICY]);
  });

  it('from Cloudflare workerd', { skip: workerd.skip }, async (t) => {
    const args = ['serve', `${EXAMPLES}workerd/config.capnp`, '--socket-addr', 'http=127.0.0.1:0'];
    const server = spawn(workerd.path, [...args, '--control-fd=1'], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.after(() => server.kill('SIGKILL'));
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    const { port } = JSON.parse(line) as { port: number };
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: readFileSync(VECTORS),
    });
    assert.equal(response.status, 200);
    assertIdentical(await response.text());
  });

  it('from Chromium', { skip: noChromium }, async (t) => {
    const origin = await serveFolder(t, ROOT);
    const page = await (await openBrowser(t)).newPage();
    await page.goto(`${origin}/${PAGE}`);
    assertIdentical(await page.evaluate('answers'));
  });

  it('from Firefox', { skip: noFirefox }, async (t) => {
    const origin = await serveFolder(t, ROOT);
    const evaluate = await openFirefox(t, `${origin}/${PAGE}`);
    assertIdentical(String(await evaluate('answers')));
  });
});
