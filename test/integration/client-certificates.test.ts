import assert from 'node:assert/strict';
import { test } from 'node:test';
import { skip } from '../support/addon.ts';
import { certificatePolicy } from '../support/certificate-policy.ts';
import { makeCertificateCases } from '../support/client-cases.ts';
import { startTestEdge } from '../support/edge.ts';
import { clientOptions } from '../support/pki.ts';
import { attempt } from '../support/tls-client.ts';

/** What OpenSSL refuses by itself, before anybody judges. */
const OWN_ALERTS: ReadonlySet<string> = new Set(['illegal_parameter']);

test('a client certificate', { skip }, async (t) => {
  const { cases, files } = await makeCertificateCases();
  const edge = await startTestEdge(t, { policy: certificatePolicy(), files });
  // why: the kernel gives a port again, and each attempt is to find its own line.
  const told = new Set<unknown>();
  for (const { title, site, chain, end, reason } of cases) {
    await t.test(`${title} ends in ${end} (${site})`, async () => {
      const found = await attempt(edge.port, `${site}.test`, await clientOptions(chain));
      assert.equal(found.end, end);
      const line = await edge.line(({ source, event }) => source.port === found.port && !told.has(event.id));
      told.add(line.event.id);
      const isOwn = OWN_ALERTS.has(end);
      assert.equal(line.event.action, isOwn ? 'handshake_failed' : end === 'served' ? end : 'refused');
      assert.equal(line.sallyport.alert, end === 'served' || isOwn ? null : end);
      if (reason) assert.match(line.error.message ?? '', reason);
    });
  }
});
