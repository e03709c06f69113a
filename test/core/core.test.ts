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

test('many hashes at once have the leading zero bits of each', () => {
  const items = Array.from({ length: 128 }, (_, i) => 'y'.repeat((i * 7) % 249));
  const zeros = new Uint16Array(128);
  for (const count of [0, 1, 3, 128]) {
    const bytes = items.slice(0, count).map((item) => Buffer.from(item));
    assert.equal(core.leadingZeroBitsOf(bytes, zeros), 0);
    assert.deepEqual([...zeros.subarray(0, count)], items.slice(0, count).map(zeroBits));
  }
  zeros.fill(7);
  const tooLong = [Buffer.alloc(10), Buffer.alloc(249)];
  assert.equal(statusName(core.leadingZeroBitsOf(tooLong, zeros)), 'input_overflow');
  assert.equal(statusName(core.leadingZeroBitsOf(Array(129).fill(Buffer.alloc(1)), zeros)), 'bad_argument');
  assert.ok(zeros.every((bits) => bits === 7));
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
