import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALERTS } from '../../src/pdl/registry/iana.ts';
import { startTestEdge } from '../support/edge.ts';
import { sClient } from '../support/tools.ts';
import { until } from '../support/until.ts';

/** RFC 8446 section 6.1: the two that end a connection without an error. */
const CLOSURES: ReadonlySet<string> = new Set(['close_notify', 'user_canceled']);
const NAMES = Object.keys(ALERTS);

/** A site for each alert of the language, by server name. */
const POLICY = `pdl 1
import "std/tls" as tls
score none { clamp 0..100  signal never +1 when hello.size > 16KiB }
${NAMES.map((name, i) => `policy p${i} extends tls.intermediate { action refuse alert ${name}  rank ${i + 10} }`).join('\n')}
${NAMES.map(
  (name, i) =>
    `site s${i} { listen edge  sni { "${name.replaceAll('_', '-')}.test" }  score none  ladder { from 0 use p${i} }  on_error use p${i} }`,
).join('\n')}
`;

test('every alert of the language reaches openssl s_client, which names it', async (t) => {
  const { port, lines } = await startTestEdge(t, { policy: POLICY });
  await Promise.all(
    NAMES.map(async (name) => {
      const host = `${name.replaceAll('_', '-')}.test`;
      const { stdout } = await sClient(port, '-servername', host, '-msg');
      const level = CLOSURES.has(name) ? 'warning' : 'fatal';
      const seen = /<<< .*Alert \[length 0002\], (\w+) .*\s+0[12] ([0-9a-f]{2})/.exec(stdout);
      assert.equal(seen?.[1], level, name);
      assert.equal(Number.parseInt(seen![2]!, 16), ALERTS[name], name);
    }),
  );
  await until('every connection is audited', () => lines().length === NAMES.length);
  const told = lines().map(({ sallyport }) => sallyport.alert);
  assert.deepEqual(told.sort(), [...NAMES].sort());
});
