import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { FACT, factIndex } from '../../src/orchestrator/facts.ts';
import { captureHello } from '../support/hello.ts';

const PATH = factIndex('http.path');
const HEADERS = factIndex('http.headers');
const V4 = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, 9]);

test('kept facts are the same after another connection was looked at', async () => {
  const core = new Core(loadCoreModule());
  const hello = await captureHello({ servername: 'kept.example' });
  core.begin();
  core.setIp(FACT.ip, V4, true);
  core.setText(FACT.listener, 'edge');
  core.setNumber(FACT.port, 4711);
  assert.equal(core.parse(hello, 0, hello.length, 'records', 'tls'), 0);
  const ja4 = core.readText(FACT.ja4);
  const kept = core.keep();
  core.begin();
  core.setText(FACT.listener, 'another listener');
  core.restore(kept);
  assert.equal(core.readText(FACT.sni), 'kept.example');
  assert.equal(core.readText(FACT.listener), 'edge');
  assert.equal(core.readNumber(FACT.port), 4711);
  assert.equal(core.readText(FACT.ja4), ja4);
  assert.deepEqual(core.keep(), kept);
});

test('what is set after kept facts came back overwrites none of them', () => {
  const core = new Core(loadCoreModule());
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), fc.string({ maxLength: 300 }), (before, after) => {
      core.begin();
      core.setText(FACT.listener, before);
      const kept = core.keep();
      core.begin();
      core.setText(FACT.sni, 'a longer text of another connection');
      core.restore(kept);
      core.setText(PATH, after);
      core.setStrings(HEADERS, ['host', 'accept']);
      assert.equal(core.readText(FACT.listener), before);
      assert.equal(core.readText(PATH), after);
      assert.equal(core.readText(FACT.sni), null);
    }),
  );
});

test('a text that does not fit is unknown, and the next one that fits is kept', () => {
  const core = new Core(loadCoreModule());
  core.begin();
  core.setText(PATH, 'x'.repeat(40_000));
  core.setText(FACT.listener, 'edge');
  assert.equal(core.readText(PATH), null);
  assert.equal(core.readText(FACT.listener), 'edge');
});
