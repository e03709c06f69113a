import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { isViolation, statusMeaning, statusName } from '../../src/core/status.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';

const core = new Core(loadCoreModule());

function zeroBits(data: string): number {
  const bits = BigInt(`0x${createHash('sha256').update(data).digest('hex')}`).toString(2);
  return 256 - bits.length;
}

test('the leading zero bits of a hash agree with those of OpenSSL at every length of input', () => {
  for (let length = 0; length < 200; length++) {
    const data = 'x'.repeat(length);
    assert.equal(core.leadingZeroBits(Buffer.from(data)), zeroBits(data), `${length} bytes`);
  }
});

test('a solution has the bits that were asked for and is the first one', () => {
  for (const length of [0, 50, 60, 64, 130]) {
    const prefix = 'p'.repeat(length);
    const nonce = core.solve(Buffer.from(prefix), 0, 1_000_000, 8);
    assert.ok(nonce !== null && zeroBits(`${prefix}${nonce}`) >= 8);
    assert.equal(core.solve(Buffer.from(prefix), 0, nonce, 8), null);
  }
});

test('a search that finds nothing says so', () => {
  assert.equal(core.solve(Buffer.from('p'), 4_294_967_000, 10, 60), null);
});

test('statuses have names, meanings and a category', () => {
  assert.equal(statusName(0), 'complete');
  assert.equal(statusName(1), 'need_more');
  assert.equal(statusName(-65_537), 'not_tls');
  assert.equal(statusName(-1), 'status_-1');
  assert.match(statusMeaning(-65_537), /does not begin with a TLS/);
  assert.equal(isViolation(-196_613), true);
  assert.equal(isViolation(-65_537), false);
});

test('facts and counters outside the tables are refused', () => {
  assert.throws(() => core.setNumber(FACTS.length, 1), RangeError);
  assert.throws(() => core.setNumber(-1, 1), RangeError);
  assert.throws(() => core.setRate(64, 1), RangeError);
});
