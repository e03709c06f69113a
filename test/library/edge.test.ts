import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ConfigError, createEdge, DeploymentError } from '../../src/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { ACTIONS_POLICY, startEchoUpstream, TEST_NAMES } from '../support/edge.ts';
import { run } from '../support/tools.ts';

const DIST = fileURLToPath(new URL('../../dist/index.js', import.meta.url));

async function prepare(t: TestContext): Promise<{ directory: string; config: Record<string, unknown> }> {
  process.env.SALLYPORT_TEST_PUZZLE_KEY = 'an example key that is long enough';
  const directory = mkdtempSync(join(tmpdir(), 'sallyport-edge-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const pair = await makeCertificate({ names: TEST_NAMES });
  writeFileSync(join(directory, 'cert.pem'), pair.certificate);
  writeFileSync(join(directory, 'key.pem'), pair.key);
  writeFileSync(join(directory, 'policy.pdl'), ACTIONS_POLICY);
  writeFileSync(join(directory, 'blocked.txt'), '');
  const config = {
    version: 1,
    policy: 'policy.pdl',
    threads: 1,
    listeners: [{ name: 'edge', address: '127.0.0.1:0', certificates: ['default'], upstream: 'app' }],
    certificates: { default: { certificate: 'cert.pem', key: 'key.pem' } },
    upstreams: { app: { protocol: 'http', url: `http://127.0.0.1:${await startEchoUpstream(t)}` } },
    admin: false,
    metrics: false,
    audit: { file: 'audit.jsonl' },
  };
  return { directory, config };
}

async function fetchThrough(port: number, directory: string): Promise<string> {
  const { stdout } = await run('curl', [
    '--silent',
    '--cacert',
    join(directory, 'cert.pem'),
    `https://localhost:${port}/`,
  ]);
  return stdout;
}

test('an edge inside a program serves, reloads and drains', async (t) => {
  const { directory, config } = await prepare(t);
  const edge = await createEdge({ config, directory, logLevel: 'silent' });
  t.after(() => edge.stop());
  assert.equal(edge.ready, true);
  assert.match(await fetchThrough(edge.addresses[0]!.port, directory), /"x-sallyport-policy":"served"/);
  assert.equal((await edge.reload()).ok, true);
  await edge.drain(1_000);
  assert.equal(edge.ready, false);
});

test('a configuration with an unknown key is refused with its place', async () => {
  await assert.rejects(
    createEdge({ config: { version: 1, polisy: 'x' } }),
    (error: ConfigError) => error instanceof ConfigError && /sallyport\.yaml:\d+:\d+: /.test(error.message),
  );
});

test('a policy that cannot be compiled stops the start and leaves nothing behind', async (t) => {
  const { directory, config } = await prepare(t);
  writeFileSync(join(directory, 'policy.pdl'), 'pdl 1\nnonsense');
  await assert.rejects(createEdge({ config, directory, logLevel: 'silent' }), DeploymentError);
});

const skip = existsSync(DIST) ? false : 'dist/ is not built';

test('the built package serves the same', { skip }, async (t) => {
  const { directory, config } = await prepare(t);
  const built = (await import(DIST)) as typeof import('../../src/index.ts');
  const edge = await built.createEdge({ config, directory, logLevel: 'silent' });
  t.after(() => edge.stop());
  assert.match(await fetchThrough(edge.addresses[0]!.port, directory), /"x-sallyport-policy":"served"/);
});
