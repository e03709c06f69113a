import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { authority, CLIENT_AUTH, client, names } from '../support/pki.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'sallyport-inspect-'));
after(() => rmSync(directory, { recursive: true }));

function inspect(
  name: string,
  text: string | Uint8Array,
): { status: number | null; stdout: string; stderr: string } {
  const file = join(directory, name);
  writeFileSync(file, text);
  return spawnSync(process.execPath, [MAIN, 'inspect', 'cert', file], { encoding: 'utf8' });
}

test('each certificate of a file is printed in the words of the language, one a line', async () => {
  const root = await authority('CN=Root');
  const leaf = await client(root, {
    subject: 'CN=x',
    extensions: [CLIENT_AUTH, names(['dns', 'a.example'])],
  });
  const { status, stdout } = inspect('chain.pem', leaf.pem + root.pem);
  const found = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(status, 0);
  assert.deepEqual(
    found.map((each) => each['cert.subject']),
    ['CN=x', 'CN=Root'],
  );
  assert.deepEqual(found[0]!['cert.eku'], ['client_auth']);
  assert.deepEqual(found[0]!['cert.san_dns'], ['a.example']);
  assert.equal(found[0]!['cert.lifetime'], '31d');
});

test('a certificate that cannot be read says why, with exit code 1', async () => {
  const odd = await client(null, { extensions: [names(['dns', 'a b'])] });
  const { status, stdout } = inspect('odd.der', new Uint8Array(odd.certificate.rawData));
  assert.equal(status, 1);
  assert.match(stdout, /"error":"an alternative name holds a character that names do not have"/);
});

test('a file without certificates is an error', () => {
  const { status, stderr } = inspect('empty.pem', 'nothing');
  assert.equal(status, 1);
  assert.match(stderr, /holds no certificate/);
});
