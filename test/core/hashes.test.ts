import assert from 'node:assert/strict';
import { createHmac, hash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { issueToken, openToken } from '../../src/challenge/token.ts';
import * as L from '../../src/core/layout.gen.ts';
import { statusName } from '../../src/core/status.ts';
import { RawCore } from '../support/raw-core.ts';

const cores = [new RawCore('scalar'), new RawCore('simd')] as const;
const LONGEST = 300;
const POW_CAPACITY = L.POW_BYTES - L.POW_DATA_AT;

function zeroBits(data: Uint8Array): number {
  return 256 - BigInt(`0x${hash('sha256', data)}`).toString(2).length;
}

for (const [index, core] of cores.entries()) {
  const name = index === 0 ? 'scalar' : 'SIMD';

  test(`${name}: SHA-256 and MD5 agree with OpenSSL at every length of input`, () => {
    const message = randomBytes(LONGEST);
    for (let length = 0; length <= LONGEST; length++) {
      const data = message.subarray(0, length);
      core.write(L.REGION_INPUT, 0, data);
      assert.equal(core.exports.sp_sha256(length), 0);
      assert.equal(
        core.read(L.REGION_DIGEST, 0, 32).toString('hex'),
        hash('sha256', data),
        `${length} bytes`,
      );
      assert.equal(core.exports.sp_md5(length), 0);
      assert.equal(core.read(L.REGION_DIGEST, 0, 16).toString('hex'), hash('md5', data), `${length} bytes`);
    }
  });

  test(`${name}: HMAC-SHA-256 agrees with OpenSSL for keys shorter and longer than a block`, () => {
    const bytes = fc.uint8Array({ maxLength: L.MAX_KEY_BYTES, size: 'max' });
    fc.assert(
      fc.property(bytes, bytes, (key, data) => {
        core.write(L.REGION_KEY, 0, key);
        core.write(L.REGION_INPUT, 0, data);
        assert.equal(core.exports.sp_hmac_sha256(key.length, data.length), 0);
        const expected = createHmac('sha256', key).update(data).digest();
        assert.deepEqual(core.read(L.REGION_DIGEST, 0, 32), expected);
      }),
    );
  });

  test(`${name}: a batch of proofs gets the bits of each, whatever their lengths`, () => {
    const item = fc.uint8Array({ maxLength: POW_CAPACITY, size: 'max' });
    fc.assert(
      fc.property(fc.array(item, { maxLength: 9 }), (items) => {
        items.forEach((data, i) => {
          const length = Buffer.alloc(4);
          length.writeUInt32LE(data.length);
          core.write(L.REGION_POW, i * L.POW_BYTES + L.POW_LENGTH_AT, length);
          core.write(L.REGION_POW, i * L.POW_BYTES + L.POW_DATA_AT, data);
        });
        assert.equal(core.exports.sp_pow_check(items.length), 0);
        assert.deepEqual(
          items.map((_, i) => core.u32(L.REGION_POW, i * L.POW_BYTES + L.POW_ZERO_BITS_AT)),
          items.map(zeroBits),
        );
      }),
    );
  });

  test(`${name}: the solver finds the first nonce, over changes of its length`, () => {
    for (const [first, length, bits] of [
      [0, 20, 9],
      [95, 0, 4],
      [9_990, 63, 6],
      [999_995, 55, 7],
      [4_294_967_200, 46, 3],
      [7, 54, 0],
    ] as const) {
      const prefix = Buffer.alloc(length, 0x61);
      core.write(L.REGION_INPUT, 0, prefix);
      let expected = 0;
      while (zeroBits(Buffer.from(`${prefix}${first + expected}`)) < bits) expected++;
      assert.equal(core.exports.sp_solve(length, first, expected + 1, bits), expected, `from ${first}`);
      assert.equal(core.exports.sp_solve(length, first, expected, bits), -1, `from ${first}`);
    }
  });

  test(`${name}: the solver with the nonce in front finds the first one, whatever the length of the rest`, () => {
    for (const [high, first, length, bits] of [
      [0, 0, 46, 9],
      [0, 3, 47, 7],
      [7, 95, 48, 6],
      [0xffff_ffff, 0xffff_ff00, 55, 4],
      [1, 2, 119, 5],
      [1, 2, 247, 5],
      [0, 9, 0, 0],
    ] as const) {
      const rest = Buffer.alloc(length, 0x61);
      core.write(L.REGION_INPUT, 0, rest);
      const message = (distance: number): Buffer => {
        const nonce = Buffer.alloc(8);
        nonce.writeUInt32BE(high, 0);
        nonce.writeUInt32BE(first + distance, 4);
        return Buffer.concat([nonce, rest]);
      };
      let expected = 0;
      while (zeroBits(message(expected)) < bits) expected++;
      const { sp_solve_front: solveFront } = core.exports;
      assert.equal(solveFront(length, high, first, expected + 1, bits), expected, `${high} ${first}`);
      assert.equal(solveFront(length, high, first, expected, bits), -1, `${high} ${first}`);
    }
  });

  test(`${name}: a search with the nonce in front stays within its upper half and its bounds`, () => {
    const { sp_solve_front: solveFront } = core.exports;
    assert.equal(solveFront(5, 0, 4_294_967_290, 1_000, 200), -1);
    assert.equal(statusName(solveFront(248, 0, 0, 1, 1)), 'bad_argument');
    assert.equal(statusName(solveFront(-1, 0, 0, 1, 1)), 'bad_argument');
    assert.equal(statusName(solveFront(5, 0, 0, 0x8000_0000, 1)), 'bad_argument');
  });

  test(`${name}: a search for no bits finds the first nonce`, () => {
    assert.equal(core.exports.sp_solve(5, 3, 100, 0), 0);
  });

  test(`${name}: a search ends at the last nonce of 32 bits`, () => {
    assert.equal(core.exports.sp_solve(5, 4_294_967_290, 1_000, 200), -1);
    assert.equal(statusName(core.exports.sp_solve(5, 0, 0x8000_0000, 1)), 'bad_argument');
  });
}

const KEY = randomBytes(32);
const NAME = hash('sha256', 'login', 'buffer');
const BINDING = '203.0.113.0/24|t13d1516h2_8daaf6152771_02713d6af862|shop.example';
const NOW = 1_780_000_000_123;
const LIFETIME = 60_000;

function giveToken(
  core: RawCore,
  context: Uint8Array = Buffer.concat([NAME, hash('sha256', BINDING, 'buffer')]),
): void {
  core.write(L.REGION_TOKEN, L.TOKEN_KEY_AT, KEY);
  core.write(L.REGION_TOKEN, L.TOKEN_CONTEXT_AT, context);
}

function mint(core: RawCore, difficulty: number, issuedAt: number): string {
  giveToken(core);
  const at = core.address(L.REGION_TOKEN);
  core.bytes.writeUInt32LE(difficulty, at + L.TOKEN_DIFFICULTY_AT);
  core.bytes.writeDoubleLE(issuedAt, at + L.TOKEN_ISSUED_AT_AT);
  core.write(L.REGION_TOKEN, L.TOKEN_SALT_AT, Buffer.alloc(16, 9));
  assert.equal(core.exports.sp_token_mint(), 0);
  return core.read(L.REGION_TOKEN, L.TOKEN_TEXT_AT, 75).toString('latin1');
}

function open(core: RawCore, text: string, now = NOW): string {
  core.write(L.REGION_TOKEN, L.TOKEN_TEXT_AT, Buffer.from(text, 'latin1'));
  return statusName(core.exports.sp_token_open(now, LIFETIME));
}

const [core] = cores;

test('a token of the core is one of the challenge server, and the reverse', () => {
  const minted = mint(core, 19, NOW);
  assert.deepEqual(openToken(KEY, NAME, BINDING, minted), {
    difficulty: 19,
    issuedAtMs: NOW,
    salt: Buffer.alloc(16, 9),
  });
  assert.equal(open(core, issueToken(KEY, NAME, BINDING, 21, NOW)), 'complete');
  assert.equal(core.u32(L.REGION_TOKEN, L.TOKEN_DIFFICULTY_AT), 21);
  assert.equal(core.read(L.REGION_TOKEN, L.TOKEN_ISSUED_AT_AT, 8).readDoubleLE(), NOW);
});

test('a token counts from its issue, allowing for a clock that runs ahead, until its lifetime is over', () => {
  const text = mint(core, 8, NOW);
  assert.equal(open(core, text, NOW - L.MAX_TOKEN_SKEW_MS), 'complete');
  assert.equal(open(core, text, NOW - L.MAX_TOKEN_SKEW_MS - 1), 'token_not_yet');
  assert.equal(open(core, text, NOW + LIFETIME - 1), 'complete');
  assert.equal(open(core, text, NOW + LIFETIME), 'token_expired');
  assert.equal(open(core, text, Number.NaN), 'token_not_yet');
});

test('a token with any character changed is not a token, or a forged one', () => {
  const text = mint(core, 8, NOW);
  for (let i = 0; i < text.length; i++) {
    for (const other of 'AB_z9.') {
      if (text[i] === other) continue;
      const status = open(core, text.slice(0, i) + other + text.slice(i + 1));
      assert.match(status, /^token_(forged|malformed)$/, `${i} ${other}`);
    }
  }
});

test('a token is worth nothing in another context or under another key', () => {
  const text = mint(core, 8, NOW);
  giveToken(core, Buffer.alloc(64));
  assert.equal(open(core, text), 'token_forged');
  giveToken(core);
  core.write(L.REGION_TOKEN, L.TOKEN_KEY_AT, Buffer.alloc(32));
  assert.equal(open(core, text), 'token_forged');
});

test('fields that a token cannot hold are refused', () => {
  const at = core.address(L.REGION_TOKEN);
  for (const [difficulty, issuedAt] of [
    [256, NOW],
    [8, -1],
    [8, 2 ** 48],
    [8, Number.NaN],
  ] as const) {
    core.bytes.writeUInt32LE(difficulty, at + L.TOKEN_DIFFICULTY_AT);
    core.bytes.writeDoubleLE(issuedAt, at + L.TOKEN_ISSUED_AT_AT);
    assert.equal(statusName(core.exports.sp_token_mint()), 'bad_argument');
  }
});

test('lengths beyond their regions are refused', () => {
  const { exports } = core;
  for (const length of [-1, L.MAX_INPUT_BYTES + 1]) {
    for (const call of [exports.sp_sha256, exports.sp_md5, exports.sp_leading_zero_bits]) {
      assert.equal(statusName(call(length)), 'input_overflow');
    }
    assert.equal(statusName(exports.sp_hmac_sha256(0, length)), 'input_overflow');
    assert.equal(statusName(exports.sp_solve(length, 0, 1, 1)), 'input_overflow');
  }
  assert.equal(statusName(exports.sp_hmac_sha256(L.MAX_KEY_BYTES + 1, 0)), 'bad_argument');
  assert.equal(statusName(exports.sp_hmac_sha256(-1, 0)), 'bad_argument');
  assert.equal(statusName(exports.sp_pow_check(L.MAX_POW_BATCH + 1)), 'bad_argument');
  assert.equal(statusName(exports.sp_pow_check(-1)), 'bad_argument');
  core.bytes.writeUInt32LE(POW_CAPACITY + 1, core.address(L.REGION_POW) + L.POW_LENGTH_AT);
  assert.equal(statusName(exports.sp_pow_check(1)), 'input_overflow');
});
