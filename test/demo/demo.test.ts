import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadConfig } from '../../src/config/load.ts';
import { ensureCertificates } from '../../src/demo/certificates.ts';
import { prepareDemo } from '../../src/demo/demo.ts';
import { startDemoUpstream } from '../../src/demo/upstream.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-demo-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

test('the certificate is for this machine, signed by the authority, and its key is private', async () => {
  const files = await ensureCertificates(directory, Date.now());
  const leaf = new X509Certificate(readFileSync(files.certificate));
  const ca = new X509Certificate(readFileSync(files.ca));
  assert.ok(leaf.verify(ca.publicKey));
  assert.ok(ca.ca && !leaf.ca);
  assert.equal(leaf.checkHost('localhost'), 'localhost');
  assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1');
  assert.equal(statSync(files.key).mode & 0o777, 0o600);
});

test('certificates are kept while they last, and made anew before they expire', async () => {
  const read = async (nowMs: number): Promise<string> =>
    readFileSync((await ensureCertificates(directory, nowMs)).certificate, 'utf8');
  const first = await read(Date.now());
  assert.equal(await read(Date.now()), first);
  assert.notEqual(await read(Date.now() + 80 * 86_400_000), first);
});

test('the demo makes a configuration that loads, and keeps what was changed', async () => {
  const first = await prepareDemo(directory);
  const policy = join(directory, '.sallyport', 'policy.pdl');
  writeFileSync(policy, `${readFileSync(policy, 'utf8')}# mine\n`);
  await first.close();
  const second = await prepareDemo(directory);
  try {
    const loaded = loadConfig(second.configFile, {}, {});
    assert.ok('config' in loaded, JSON.stringify(loaded));
    assert.deepEqual(loaded.warnings, []);
    assert.match(readFileSync(policy, 'utf8'), /# mine\n$/);
    const text = second.instructions(loaded.config, { host: '127.0.0.1', port: 8443 });
    assert.match(text, /curl --cacert \.sallyport\/ca\.pem https:\/\/localhost:8443\/\n/);
    assert.match(text, /curl --cacert \.sallyport\/ca\.pem --interface 127\.0\.0\.2 https/);
    assert.match(text, /openssl s_client -connect 127\.0\.0\.1:8443 -bind 127\.0\.0\.2 -noservername/);
  } finally {
    await second.close();
  }
});

test('the upstream shows the headers it got, escaped, to a browser', async () => {
  const upstream = await startDemoUpstream();
  try {
    const response = await fetch(`http://127.0.0.1:${upstream.port}/?q=<script>`, {
      headers: { accept: 'text/html', 'x-sallyport-score': '<b>7</b>' },
    });
    const page = await response.text();
    assert.match(page, /<tr class="edge"><th scope="row">x-sallyport-score<\/th><td>&#60;b&#62;7/);
    assert.doesNotMatch(page, /<script>|<b>/);
  } finally {
    await upstream.close();
  }
});

test('the upstream answers plain text to a tool', async () => {
  const upstream = await startDemoUpstream();
  try {
    const response = await fetch(`http://127.0.0.1:${upstream.port}/`, {
      headers: { 'x-sallyport-policy': 'low' },
    });
    assert.match(response.headers.get('content-type')!, /^text\/plain/);
    assert.match(await response.text(), /\* x-sallyport-policy: low\n/);
  } finally {
    await upstream.close();
  }
});
