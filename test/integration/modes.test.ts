import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestEdge } from '../support/edge.ts';
import { run } from '../support/tools.ts';
import { until } from '../support/until.ts';

const POLICY = `pdl 1
import "std/tls" as tls
mode posture {
  state calm initial
  state siege enter when sys.inflight > 2 for 1ms
    leave when sys.inflight < 2 for 1ms
}
score none { clamp 0..100 }
policy served  extends tls.intermediate { }
policy refused extends served { action refuse alert access_denied  rank 90 }
site other {
  listen edge  sni any  score none
  ladder { from 0 use served }
  on_error use refused
  during posture siege { ladder { from 0 use refused } }
}
`;

for (const threads of [0, 1]) {
  test(`a mode that is switched changes what clients get, with ${threads} workers`, async (t) => {
    const edge = await startTestEdge(t, { policy: POLICY, threads });
    const ask = async (): Promise<number> => {
      const args = ['-sS', '--cacert', edge.caFile, `https://localhost:${edge.port}/`];
      return (await run('curl', args)).code;
    };
    const state = (): string => edge.edge.modes.list()[0]!.state;
    assert.equal(await ask(), 0);
    const crowd = [1, 2, 3].map(() => edge.connect());
    await until('the mode is siege', () => state() === 'siege');
    assert.notEqual(await ask(), 0);
    assert.equal((await edge.line(({ event }) => event.action === 'refused')).rule.name, 'refused');
    for (const client of crowd) client.destroy();
    await until('the mode is calm', () => state() === 'calm');
    assert.equal(await ask(), 0);
    edge.edge.modes.force('posture', 'siege');
    assert.notEqual(await ask(), 0);
  });
}
