import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { partsOf } from '../../src/identity/certificate-parts.ts';
import type { ChainLink } from '../../src/identity/client-certificate.ts';
import { CrlSet, readCrl } from '../../src/identity/crl.ts';
import { DerError } from '../../src/identity/der.ts';
import { certIdOf, ocspRequest, readOcspResponse } from '../../src/identity/ocsp.ts';
import { OcspClient, responders } from '../../src/identity/ocsp-client.ts';
import { damage, damaged } from '../support/damage.ts';
import { startOcspResponder } from '../support/ocsp.ts';
import { authority, client, DAY_MS, type Issued, OCSP_SIGNING, revocationList } from '../support/pki.ts';

const HOUR_MS = 3_600_000;
const issuer = await authority('CN=Issuer');
const stranger = await authority('CN=Issuer');
const good = await client(issuer);
const revoked = await Promise.all(Array.from({ length: 9 }, () => client(issuer)));

function link({ certificate }: Issued): ChainLink {
  const der = new Uint8Array(certificate.rawData);
  return { der, parts: partsOf(der) };
}

function derOf(pem: string): Uint8Array {
  return Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
}

async function ask(certificate: Issued, list: string, nowMs = Date.now()): Promise<string> {
  return new CrlSet([readCrl(derOf(list))]).ask(link(certificate).parts, link(issuer).parts, nowMs);
}

test('a list names those that are revoked, whatever their number, and no others', async () => {
  const list = await revocationList(issuer, revoked);
  for (const each of revoked) assert.equal(await ask(each, list), 'revoked');
  assert.equal(await ask(good, list), 'good');
  assert.equal(await ask(good, await revocationList(issuer, [])), 'good');
});

test('a list is worth nothing before it is issued and after it is due, except to those it names', async () => {
  const list = await revocationList(issuer, revoked);
  assert.equal(await ask(good, list, Date.now() + 2 * DAY_MS), 'stale');
  assert.equal(await ask(good, list, Date.now() - 2 * HOUR_MS), 'stale');
  assert.equal(await ask(revoked[0]!, list, Date.now() + 2 * DAY_MS), 'revoked');
});

test('a list that bears the issuer’s name and another’s signature counts for nothing', async () => {
  assert.equal(await ask(revoked[0]!, await revocationList(stranger, revoked)), 'forged');
});

test('a list of another issuer says nothing', async () => {
  assert.equal(await ask(good, await revocationList(await authority('CN=Other'), [])), 'no_list');
});

test('a damaged list never clears a certificate that it named', async () => {
  const source = derOf(await revocationList(issuer, revoked));
  const [leaf, root] = [link(revoked[0]!).parts, link(issuer).parts];
  fc.assert(
    fc.property(damage, (changes) => {
      const bytes = damaged(source, changes);
      if (Buffer.compare(bytes, source) === 0) return;
      try {
        assert.notEqual(new CrlSet([readCrl(bytes)]).ask(leaf, root, Date.now()), 'good');
      } catch (error) {
        assert.ok(error instanceof DerError);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** A response of a real responder. */
async function respond(
  t: TestContext,
  certificate: Issued,
  signer: Issued,
): Promise<{ bytes: Buffer; certId: Uint8Array }> {
  const { url } = await startOcspResponder(t, { issuer, signer, valid: [good], revoked });
  const certId = certIdOf(link(certificate).parts, link(issuer).parts);
  const answer = await fetch(url, { method: 'POST', body: Buffer.from(ocspRequest(certId)) });
  return { bytes: Buffer.from(await answer.arrayBuffer()), certId };
}

test('a response counts for its certificate, in its time', async (t) => {
  const { bytes, certId } = await respond(t, good, issuer);
  const now = Date.now();
  const { status, untilMs } = readOcspResponse(bytes, certId, link(issuer), now);
  assert.equal(status, 'good');
  assert.ok(Math.abs(untilMs - now - DAY_MS) < 60_000);
  assert.throws(() => readOcspResponse(bytes, certId, link(issuer), now + 2 * DAY_MS), /out of date/);
  assert.throws(() => readOcspResponse(bytes, certId, link(issuer), now - DAY_MS), /from the future/);
  const other = certIdOf(link(revoked[0]!).parts, link(issuer).parts);
  assert.throws(() => readOcspResponse(bytes, other, link(issuer), now), /no answer about this/);
});

for (const [why, signer] of [
  ['another authority of the same name', stranger],
  ['a client of the issuer', good],
  ['a responder of another issuer', await client(stranger, { extensions: [OCSP_SIGNING] })],
  [
    'a responder whose certificate has expired',
    await client(issuer, { extensions: [OCSP_SIGNING], from: -9 * DAY_MS, to: -HOUR_MS }),
  ],
] as const) {
  test(`a response signed by ${why} is worth nothing`, async (t) => {
    const { bytes, certId } = await respond(t, good, signer);
    assert.throws(() => readOcspResponse(bytes, certId, link(issuer), Date.now()), /not signed/);
  });
}

test('a damaged response never clears a certificate that is revoked', async (t) => {
  const { bytes, certId } = await respond(t, revoked[0]!, issuer);
  assert.equal(readOcspResponse(bytes, certId, link(issuer), Date.now()).status, 'revoked');
  fc.assert(
    fc.property(damage, (changes) => {
      try {
        assert.notEqual(
          readOcspResponse(damaged(bytes, changes), certId, link(issuer), Date.now()).status,
          'good',
        );
      } catch (error) {
        assert.ok(error instanceof DerError, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

/** The address of a responder that does what `onRequest` does. */
async function serve(t: TestContext, onRequest: Parameters<typeof createServer>[1]): Promise<string> {
  const server = createServer(onRequest as never).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const QUICK = responders(100);
const FEW = { entries: 2, questions: 1 };

for (const [why, answer, reason] of [
  ['says nothing', () => {}, /no answer in time/],
  [
    'answers with an error of HTTP',
    (_: unknown, response: { writeHead(code: number): { end(): void } }) => response.writeHead(503).end(),
    /status 503/,
  ],
  [
    'answers something else',
    (_: unknown, response: { end(text: string): void }) => response.end('<html>'),
    /byte/,
  ],
  [
    'answers at length',
    (_: unknown, response: { end(text: Buffer): void }) => response.end(Buffer.alloc(1 << 20)),
    /longer than/,
  ],
  [
    'drips',
    (_: unknown, response: { write(text: string): void }) => response.write('x'),
    /no answer in time/,
  ],
] as const) {
  test(`a responder that ${why} leaves the status unknown`, async (t) => {
    const url = await serve(t, answer as never);
    const status = await new OcspClient(QUICK).ask(url, link(good).parts, link(issuer), Date.now());
    assert.equal(status.status, 'unknown');
    assert.match(status.reason!, reason);
  });
}

test('one question is asked for many who wait for its answer, and no more than allowed at once', async (t) => {
  let questions = 0;
  const url = await serve(t, (_request, response) => {
    questions++;
    response.writeHead(503).end();
  });
  const ocsp = new OcspClient(responders(20_000), FEW);
  const about = (issued: Issued): unknown => ocsp.ask(url, link(issued).parts, link(issuer), Date.now());
  const first = [about(good), about(good), about(good)];
  const refused = about(revoked[0]!) as { readonly status: string; readonly reason: string };
  assert.equal(refused.status, 'unknown');
  assert.match(refused.reason, /too many questions/);
  await Promise.all(first);
  assert.equal(questions, 1);
  const kept = about(good) as { readonly status: string };
  assert.equal(kept.status, 'unknown');
  assert.equal(questions, 1);
  assert.deepEqual(ocsp.counts, { hits: 3, misses: 1 });
});
