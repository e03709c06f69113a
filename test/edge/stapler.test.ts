import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Stapler } from '../../src/edge/stapler.ts';
import { ocspRequest } from '../../src/identity/ocsp.ts';
import { type OwnCertificate, readOwnCertificate, type Staples } from '../../src/identity/staple.ts';
import type { StapleHealth } from '../../src/observe/ocsp-metrics.ts';
import type { StapledCertificate } from '../../src/orchestrator/stapling.ts';
import { startOcspResponder } from '../support/ocsp.ts';
import { authority, client, DAY_MS, type Issued, OCSP_SIGNING } from '../support/pki.ts';
import { server } from '../support/server-chain.ts';
import { until } from '../support/until.ts';

const root = await authority('CN=Root');
const stranger = await authority('CN=Root');
const site = await server(root, { mustStaple: true });
const other = await server(root);

function own(issued: Issued = site): OwnCertificate {
  return readOwnCertificate(issued.pem, root.pem);
}

/** A real response about `site`. */
async function respond(
  t: TestContext,
  signer: Issued,
  valid: readonly Issued[],
  revoked: readonly Issued[] = [],
): Promise<Buffer> {
  const { url, stop } = await startOcspResponder(t, { issuer: root, signer, valid, revoked });
  const body = Buffer.from(ocspRequest(own().certId));
  const answer = Buffer.from(await (await fetch(url, { method: 'POST', body })).arrayBuffer());
  await stop();
  return answer;
}

interface Bench {
  readonly stapler: Stapler;
  readonly directory: string;
  readonly logged: string[];
  /** What was last told to be stapled. */
  told(): Staples;
  use(source: StapledCertificate['source'], certificate?: OwnCertificate): Promise<StapleHealth>;
}

function bench(t: TestContext, directory = mkdtempSync(join(tmpdir(), 'sallyport-staples-'))): Bench {
  const logged: string[] = [];
  const note = (about: unknown, text: string): void => void logged.push(`${text} ${JSON.stringify(about)}`);
  let staples: Staples = new Map();
  const stapler = new Stapler({
    settings: { directory: join(directory, 'ocsp'), timeout: 300 },
    log: { info: note, warn: note, error: note } as never,
    onChanged: (changed) => {
      staples = changed;
    },
  });
  t.after(() => {
    stapler.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    stapler,
    directory,
    logged,
    told: () => staples,
    use: async (source, certificate = own()) => {
      await stapler.use([{ name: 'site', own: certificate, source }]);
      return stapler.health()[0]!;
    },
  };
}

async function serve(t: TestContext, answer: RequestListener): Promise<{ url: string }> {
  const http = createServer(answer).listen(0, '127.0.0.1');
  await once(http, 'listening');
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/` };
}

const saying =
  (bytes: Uint8Array): RequestListener =>
  (_request, response) =>
    void response.end(bytes);

test('an answer of the issuer, or of whom it certified to answer, is stapled until it ends', async (t) => {
  const delegate = await client(root, { extensions: [OCSP_SIGNING] });
  for (const signer of [root, delegate]) {
    const { use, told } = bench(t);
    const response = await respond(t, signer, [site]);
    const { untilMs, failures } = await use(await serve(t, saying(response)));
    assert.equal(failures, 0);
    assert.ok(Math.abs(untilMs! - Date.now() - DAY_MS) < 60_000);
    assert.deepEqual(Buffer.from(told().get(own().fingerprint)!.response), response);
  }
});

const hostile: readonly (readonly [
  string,
  (t: TestContext) => Promise<StapledCertificate['source']>,
  RegExp,
])[] = [
  ['that nobody gives', async () => ({ url: 'http://127.0.0.1:1/' }), /ECONNREFUSED/],
  ['of another signer', async (t) => serve(t, saying(await respond(t, stranger, [site]))), /not signed/],
  [
    'about another certificate',
    async (t) => serve(t, saying(await respondAbout(t, other))),
    /no answer about this/,
  ],
  ['that says revoked', async (t) => serve(t, saying(await respond(t, root, [], [site]))), /is revoked/],
  ['that says unknown', async (t) => serve(t, saying(await respond(t, root, [other]))), /does not know/],
  ['that is no OCSP', async (t) => serve(t, saying(Buffer.from('<html>'))), /byte/],
  [
    'that is an error of OCSP',
    async (t) => serve(t, saying(Buffer.from('30030a0106', 'hex'))),
    /answers with error 6/,
  ],
  [
    'that is an error of HTTP',
    async (t) => serve(t, (_, response) => void response.writeHead(500).end()),
    /status 500/,
  ],
  ['that does not come', async (t) => serve(t, () => {}), /no answer in time/],
  ['that drips', async (t) => serve(t, (_, response) => void response.write('0')), /no answer in time/],
  [
    'that is longer than is stapled',
    async (t) => serve(t, saying(Buffer.alloc(20_000))),
    /longer than 16384/,
  ],
  ['that does not end', async (t) => serve(t, saying(Buffer.alloc(1 << 20))), /longer than 65536/],
];

async function respondAbout(t: TestContext, about: Issued): Promise<Buffer> {
  const { url } = await startOcspResponder(t, { issuer: root, signer: root, valid: [about], revoked: [] });
  const body = Buffer.from(ocspRequest(own(about).certId));
  return Buffer.from(await (await fetch(url, { method: 'POST', body })).arrayBuffer());
}

for (const [what, source, why] of hostile) {
  test(`an answer ${what} is not stapled, and the log says why`, async (t) => {
    const { use, told, logged } = bench(t);
    await use(await source(t));
    assert.equal(told().size, 0);
    // why: the start waits as long as a question may take, so the question may end a moment later.
    await until('it failed', () => logged.some((line) => why.test(line)));
    assert.ok(logged.some((line) => /demands a stapled OCSP answer, and there is none/.test(line)));
  });
}

test('an answer is kept on disk for the next process, unless something there changed it', async (t) => {
  const first = bench(t);
  await first.use(await serve(t, saying(await respond(t, root, [site]))));
  const [file] = readdirSync(join(first.directory, 'ocsp'));
  const path = join(first.directory, 'ocsp', file!);
  const nobody = { url: 'http://127.0.0.1:1/' };
  const second = bench(t, first.directory);
  assert.equal((await second.use(nobody)).failures, 0);
  assert.equal(second.told().size, 1);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0, 60, 80));
  const third = bench(t, first.directory);
  assert.equal((await third.use(nobody)).reason, 'ECONNREFUSED');
  assert.equal(third.told().size, 0);
});

test('what is kept of certificates that are no longer served is removed', async (t) => {
  const { use, stapler, directory } = bench(t);
  await use(await serve(t, saying(await respond(t, root, [site]))));
  writeFileSync(join(directory, 'ocsp', 'notes.txt'), 'mine');
  await stapler.use([]);
  assert.deepEqual(readdirSync(join(directory, 'ocsp')), ['notes.txt']);
});

test('a file that somebody else keeps is stapled, and nothing of it is written', async (t) => {
  const { use, told, directory } = bench(t);
  const file = join(directory, 'site.ocsp');
  assert.match((await use({ file })).reason!, /ENOENT/);
  const { stapler } = bench(t);
  writeFileSync(file, await respond(t, root, [site]));
  await stapler.use([{ name: 'site', own: own(), source: { file } }]);
  assert.equal(stapler.staples.size, 1);
  assert.equal(told().size, 0);
  assert.equal(existsSync(join(directory, 'ocsp')), false);
});

test('an answer is renewed at the middle of its time, and let go at its end', async (t) => {
  const [good, newer] = [await respond(t, root, [site]), await respond(t, root, [site])];
  let asked = 0;
  let answer: Uint8Array | null = good;
  const { url } = await serve(t, (_request, response) => {
    asked++;
    if (answer === null) response.writeHead(503).end();
    else response.end(answer);
  });
  const { use, told, logged, stapler } = bench(t);
  const stapled = (): number => logged.filter((line) => line.startsWith('OCSP answer stapled')).length;
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
  await use({ url });
  t.mock.timers.tick(0.44 * DAY_MS);
  await settled(() => asked === 1);
  answer = newer;
  t.mock.timers.tick(0.12 * DAY_MS);
  await settled(() => asked === 2 && stapled() === 2);
  answer = null;
  t.mock.timers.tick(0.3 * DAY_MS);
  await settled(() => asked === 3 && stapler.health()[0]!.failures === 1);
  assert.equal(told().size, 1);
  t.mock.timers.tick(0.2 * DAY_MS);
  await settled(() => {
    t.mock.timers.tick(1);
    return told().size === 0;
  });
  assert.ok(logged.some((line) => /ended before there was another/.test(line)));
});

test('an answer is let go once the certificate is revoked', async (t) => {
  const good = await respond(t, root, [site]);
  const revoked = await respond(t, root, [], [site]);
  let answer: Uint8Array = good;
  const { url } = await serve(t, (_request, response) => void response.end(answer));
  const { use, told, directory, stapler } = bench(t);
  t.mock.timers.enable({ apis: ['Date', 'setTimeout'], now: Date.now() });
  await use({ url });
  assert.equal(told().size, 1);
  answer = revoked;
  t.mock.timers.tick(0.56 * DAY_MS);
  await settled(() => stapler.health()[0]!.results.revoked === 1);
  t.mock.timers.tick(100);
  assert.equal(told().size, 0);
  assert.deepEqual(readdirSync(join(directory, 'ocsp')), []);
});

/** Waits for what sockets bring while the clock that is mocked stands still. */
async function settled(holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    assert.ok(turns < 50_000, 'it never came to this');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
