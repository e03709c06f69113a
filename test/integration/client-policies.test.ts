import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { skip } from '../support/addon.ts';
import { startTestEdge, type TestEdge } from '../support/edge.ts';
import {
  authority,
  CLIENT_AUTH,
  client,
  clientOptions,
  DAY_MS,
  type Issued,
  keyPem,
  names,
} from '../support/pki.ts';
import { attempt } from '../support/tls-client.ts';
import { run } from '../support/tools.ts';

const HOUR_MS = 3_600_000;
const PACK = fileURLToPath(new URL('../../policies/', import.meta.url));

/** An edge that serves a policy of the standard pack as it is, on which everybody is on the inside. */
function startPack(t: TestContext, file: string, root: Issued): Promise<TestEdge> {
  const policy = readFileSync(join(PACK, file), 'utf8')
    .replace('198.51.100.0/24', '198.51.100.0/24, 127.0.0.0/8')
    .replace('10.0.0.0/8', '10.0.0.0/8, 127.0.0.0/8');
  const prepare = (directory: string): void => {
    for (const folder of ['pki', 'feeds']) mkdirSync(join(directory, folder));
    for (const name of ['partner-roots.pem', 'services-root.pem'])
      writeFileSync(join(directory, 'pki', name), root.pem);
    writeFileSync(join(directory, 'feeds/revoked-sha256.txt'), '');
  };
  return startTestEdge(t, { policy, prepare });
}

test('policies/internal-mtls.pdl is served: its services get in, others do not', { skip }, async (t) => {
  const root = await authority('CN=Services');
  const edge = await startPack(t, 'internal-mtls.pdl', root);
  const service = (id: string, to = 20 * HOUR_MS): Promise<Issued> =>
    client(root, { from: -HOUR_MS, to, extensions: [CLIENT_AUTH, names(['url', id])] });
  const get = async (issued: Issued): Promise<string> => {
    edge.write('client.pem', issued.pem + (await keyPem(issued)));
    const url = `https://services.test:${edge.port}/`;
    const { code, stderr } = await run('curl', [
      '-sSk',
      '--http2',
      '--resolve',
      `services.test:${edge.port}:127.0.0.1`,
      '--cert',
      join(edge.directory, 'client.pem'),
      url,
    ]);
    return code === 0 ? 'served' : stderr;
  };
  assert.equal(await get(await service('spiffe://shop.example/web')), 'served');
  assert.match(await get(await service('spiffe://shop.example/backup')), /access denied/);
  assert.match(await get(await service('spiffe://shop.example/web', 30 * HOUR_MS)), /bad certificate/);
});

test('policies/api-client-certs.pdl is served: partners get in, revoked ones and strangers do not', {
  skip,
}, async (t) => {
  const root = await authority('CN=Partners');
  const edge = await startPack(t, 'api-client-certs.pdl', root);
  const options = { from: -2 * HOUR_MS, to: 60 * DAY_MS };
  const ends = async (issued: Issued | null): Promise<string> => {
    const chain = issued === null ? {} : await clientOptions([issued]);
    return (await attempt(edge.port, 'api.shop.example', { ...chain, ALPNProtocols: ['http/1.1'] })).end;
  };
  const listed = await client(root, options);
  assert.equal(await ends(await client(root, options)), 'served');
  assert.equal(await ends(listed), 'served');
  assert.equal(await ends(null), 'certificate_required');
  assert.equal(await ends(await client(await authority('CN=Strangers'), options)), 'unknown_ca');
  assert.equal(await ends(await client(root, { ...options, to: 500 * DAY_MS })), 'bad_certificate');
  assert.equal(await ends(await client(root, { ...options, extensions: [] })), 'unsupported_certificate');
  const thumbprint = Buffer.from(await listed.certificate.getThumbprint('SHA-256')).toString('hex');
  edge.write('feeds/revoked-sha256.txt', `${thumbprint}\n`);
  await edge.edge.reload();
  assert.equal(await ends(listed), 'certificate_revoked');
});
