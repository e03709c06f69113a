import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createEngine } from '../../src/index.ts';
import { compilePolicyFile } from '../../src/orchestrator/compile-policy.ts';
import { unknownFacts } from '../../src/orchestrator/host.ts';
import { ACTIONS_POLICY, startTestEdge, type TestEdge } from '../support/edge.ts';
import { captureHello } from '../support/hello.ts';
import { type MmdbOptions, writeMmdb } from '../support/mmdb-writer.ts';
import { sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

const COUNTRIES = 'KP, BE';
const POLICY = ACTIONS_POLICY.replace(
  'score none {',
  `feed networks of asn from file "networks.txt" { }
limit per_network { per conn.asn  allow 1/h burst 2  then reset }
ruleset origins {
  deny far when conn.country in { ${COUNTRIES} } do reset
  deny network when conn.asn in networks do refuse
}
score none {`,
)
  .replace('limits [ few ]', 'limits [ per_network ]')
  .replaceAll('on_error use refused }', 'on_error use refused  rules [ origins ] }');

interface Files {
  country(iso: string, changes?: Partial<MmdbOptions>): void;
  asn(number: number): void;
  write(name: 'country' | 'asn', bytes: Uint8Array): void;
  readonly geo: Readonly<Record<'country' | 'asn', string>>;
}

function files(t: TestContext): Files {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-geo-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const geo = { country: join(folder, 'country.mmdb'), asn: join(folder, 'asn.mmdb') };
  const write: Files['write'] = (name, bytes) => {
    writeFileSync(`${geo[name]}.new`, bytes);
    renameSync(`${geo[name]}.new`, geo[name]);
  };
  return {
    geo,
    write,
    country: (iso_code, changes) =>
      write('country', writeMmdb({ networks: [['127.0.0.0/8', { country: { iso_code } }]], ...changes })),
    asn: (autonomous_system_number) =>
      write(
        'asn',
        writeMmdb({
          networks: [
            ['127.0.0.0/8', { autonomous_system_number, autonomous_system_organization: 'Example Net' }],
          ],
        }),
      ),
  };
}

async function start(t: TestContext, threads = 0): Promise<{ edge: TestEdge; data: Files }> {
  const data = files(t);
  data.country('NL');
  data.asn(64_500);
  const edge = await startTestEdge(t, {
    policy: POLICY,
    geo: data.geo,
    threads,
    metrics: true,
    networks: '64501\n',
  });
  return { edge, data };
}

const databases = ({
  edge,
}: TestEdge): Record<string, { reason: string | null; results: { loaded: number; refused: number } }> =>
  Object.fromEntries(
    (
      edge.status() as {
        databases: {
          database: string;
          reason: string | null;
          results: { loaded: number; refused: number };
        }[];
      }
    ).databases.map((each) => [each.database, each]),
  );

test('country and autonomous system are in the audit line of every connection', async (t) => {
  const { edge } = await start(t);
  await sClient(edge.port);
  const { source, event } = await edge.line();
  assert.equal(event.action, 'served');
  assert.deepEqual(source.geo, { country_iso_code: 'NL' });
  assert.deepEqual(source.as, { number: 64_500, organization: { name: 'Example Net' } });
});

test('a database that is replaced decides the next connections, in every worker', async (t) => {
  const { edge, data } = await start(t, 2);
  data.country('KP');
  await until('the new database', () => databases(edge).country!.results.loaded === 2);
  await until('a reset by both workers', async () => {
    await sClient(edge.port);
    const lines = edge.lines();
    return [0, 1].every((worker) =>
      lines.some((line) => line.sallyport.worker === worker && line.event.action === 'reset'),
    );
  });
  const { sallyport, source } = await edge.line((line) => line.event.action === 'reset');
  assert.deepEqual(sallyport.matched, ['far']);
  assert.equal(source.geo.country_iso_code, 'KP');
});

test('a truncated, foreign, wrong or older file is refused, and the last good one goes on deciding', async (t) => {
  const { edge, data } = await start(t);
  const whole = writeMmdb({ networks: [['127.0.0.0/8', { country: { iso_code: 'KP' } }]] });
  const cases: readonly (readonly [Uint8Array, RegExp])[] = [
    [whole.subarray(0, -10), /reaches over the end/],
    [Buffer.from('<!doctype html>'), /no MaxMind database/],
    [
      writeMmdb({ networks: [['127.0.0.0/8', { autonomous_system_number: 1 }]], type: 'GeoLite2-ASN' }),
      /names no countries/,
    ],
    [
      writeMmdb({ networks: [['127.0.0.0/8', { country: { iso_code: 'KP' } }]], buildEpoch: 1_600_000_000 }),
      /built on 2020-09-13, before the one in use \(2023-11-14\)/,
    ],
  ];
  let refused = 0;
  for (const [bytes, reason] of cases) {
    data.write('country', bytes);
    assert.ok((await edge.edge.reload()).ok);
    refused++;
    const { country } = databases(edge);
    assert.match(country!.reason ?? '', reason);
    assert.equal(country!.results.refused, refused);
  }
  await sClient(edge.port);
  const { source, event } = await edge.line();
  assert.equal(event.action, 'served');
  assert.equal(source.geo.country_iso_code, 'NL');
  data.country('BE');
  assert.ok((await edge.edge.reload()).ok);
  assert.equal(databases(edge).country!.reason, null);
});

test('an edge does not start with a database it cannot use, and says which', async (t) => {
  const data = files(t);
  data.write(
    'asn',
    writeMmdb({ networks: [['127.0.0.0/8', { country: { iso_code: 'NL' } }]], type: 'City' }),
  );
  data.country('NL');
  await assert.rejects(
    startTestEdge(t, { policy: POLICY, geo: data.geo, networks: '' }),
    ({ diagnostics }) => {
      const [problem] = diagnostics.filter(({ severity }: { severity: string }) => severity === 'error');
      assert.equal(problem.code, 'GEO-001');
      assert.equal(problem.file, data.geo.asn);
      assert.match(problem.message, /names no autonomous systems: its type is "City"/);
      return true;
    },
  );
});

test('a feed of autonomous systems and a limit per one both act on the network', async (t) => {
  const { edge, data } = await start(t);
  for (let i = 0; i < 3; i++) await sClient(edge.port, '-servername', 'limited.test');
  await until('three lines', () => edge.lines().length === 3);
  assert.deepEqual(
    edge.lines().map((line) => line.event.action),
    ['served', 'served', 'limited'],
  );
  data.asn(64_501);
  assert.ok((await edge.edge.reload()).ok);
  await sClient(edge.port, '-servername', 'limited.test');
  const { sallyport } = await edge.line((line) => line.event.action === 'refused');
  assert.deepEqual(sallyport.matched, ['network']);
});

test('without a database a policy that asks for countries is told that it never knows one', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-geo-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ['blocked.txt', 'networks.txt']) writeFileSync(join(folder, name), '');
  const path = join(folder, 'policy.pdl');
  writeFileSync(path, POLICY);
  const warned = (geo: { country: string | null; asn: string | null }): (string | undefined)[] => {
    const host = {
      listeners: { edge: null },
      certificates: null,
      upstreams: null,
      passthrough: {},
      unknown: unknownFacts({ geo }),
    };
    const { diagnostics } = compilePolicyFile({ path, host, purpose: 'check', env: {} });
    return diagnostics.filter(({ code }) => code === 'HOST-003').map(({ help }) => help);
  };
  assert.deepEqual(warned({ country: null, asn: 'asn.mmdb' }), ['name a MaxMind database in `geo.country`']);
  assert.deepEqual(warned({ country: 'country.mmdb', asn: 'asn.mmdb' }), []);
});

test('an engine of the library knows where its clients are from', async (t) => {
  const data = files(t);
  data.country('NL');
  data.write('asn', Buffer.from('no database'));
  const path = join(data.geo.country, '..', 'policy.pdl');
  writeFileSync(path, POLICY);
  for (const name of ['blocked.txt', 'networks.txt']) writeFileSync(join(path, '..', name), '');
  process.env.SALLYPORT_TEST_PUZZLE_KEY = 'an example key that is long enough';
  assert.throws(() => createEngine({ policy: path, geo: data.geo }), /the asn database is refused/);
  const engine = createEngine({ policy: path, geo: { country: data.geo.country } });
  t.after(() => engine.close());
  const hello = await captureHello();
  assert.equal(engine.decide({ ip: '127.0.0.1' }, hello).action, 'accept');
  data.country('KP');
  engine.reload();
  assert.equal(engine.decide({ ip: '127.0.0.1' }, hello).action, 'reset');
  assert.equal(engine.decide({ ip: '192.0.2.1' }, hello).action, 'accept');
});
