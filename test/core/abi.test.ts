import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as L from '../../src/core/layout.gen.ts';
import { statusName } from '../../src/core/status.ts';
import { helloMessage } from '../support/hello-bytes.ts';
import { RawCore } from '../support/raw-core.ts';

const cores = [new RawCore('scalar'), new RawCore('simd')] as const;
const [core] = cores;
const { enums } = JSON.parse(
  readFileSync(new URL('../../assembly/abi/layout.json', import.meta.url), 'utf8'),
) as { enums: { region: string[] } };

test('both builds pass their self-test, and forget the facts it set', () => {
  for (const { exports } of cores) assert.equal(exports.sp_selftest(), 0);
  const slot = L.FACT_HELLO_JA4 * L.SLOT_BYTES + L.SLOT_STATE_AT;
  assert.equal(core.u32(L.REGION_SLOTS, slot), L.STATE_UNKNOWN);
});

test('every region lies in memory, and none overlaps another', () => {
  for (const { exports, bytes } of cores) {
    const regions = enums.region
      .map((name, id) => ({ name, start: exports.sp_region(id), size: exports.sp_region_size(id) }))
      .sort((a, b) => a.start - b.start);
    let end = 1;
    for (const { name, start, size } of regions) {
      assert.ok(size > 0 && start >= end, `${name} begins at ${start}, before ${end}`);
      assert.equal(start % 8, 0, name);
      end = start + size;
    }
    assert.ok(end <= bytes.length);
  }
});

test('an unknown region has neither address nor size', () => {
  for (const id of [-1, enums.region.length]) {
    assert.equal(core.exports.sp_region(id), 0);
    assert.equal(core.exports.sp_region_size(id), 0);
  }
});

test('arguments out of range are refused', () => {
  const { exports } = core;
  const calls: readonly (readonly [string, number])[] = [
    ['input_overflow', exports.sp_parse(-1, 0, 0)],
    ['input_overflow', exports.sp_parse(L.MAX_INPUT_BYTES + 1, 0, 0)],
    ['bad_argument', exports.sp_parse(0, -1, 0)],
    ['bad_argument', exports.sp_parse(0, 2, 0)],
    ['bad_argument', exports.sp_parse(0, 0, -1)],
    ['bad_argument', exports.sp_parse(0, 0, 3)],
    ['input_overflow', exports.sp_parse_syn(-1)],
    ['input_overflow', exports.sp_parse_syn(L.MAX_INPUT_BYTES + 1)],
    ['bad_argument', exports.sp_hello_text(-1)],
    ['bad_argument', exports.sp_hello_text(6)],
    ['bad_argument', exports.sp_set_hello_limit(63)],
    ['bad_argument', exports.sp_set_hello_limit(L.MAX_HELLO_BYTES + 1)],
  ];
  for (const [expected, status] of calls) assert.equal(statusName(status), expected);
});

test('an empty input needs more, whatever it is to be', () => {
  for (const form of [L.FORM_RECORDS, L.FORM_HANDSHAKE]) {
    for (const proto of [L.PROTO_TLS, L.PROTO_DTLS, L.PROTO_QUIC]) {
      assert.equal(statusName(core.parse(new Uint8Array(0), form, proto)), 'need_more');
    }
  }
});

test('structures that a host reads begin with their size', () => {
  core.parse(helloMessage(), L.FORM_HANDSHAKE, L.PROTO_TLS);
  core.place(new Uint8Array(0));
  core.exports.sp_parse_syn(0);
  assert.equal(core.u32(L.REGION_HELLO, L.HELLO_SIZE_AT), L.HELLO_BYTES);
  assert.equal(core.u32(L.REGION_SYN, L.SYN_SIZE_AT), L.SYN_BYTES);
});

test('statuses are in their categories, below zero and unlike', () => {
  const layout = JSON.parse(
    readFileSync(new URL('../../assembly/abi/layout.json', import.meta.url), 'utf8'),
  ) as { statuses: { categories: Record<string, number>; values: [string, string, number, string][] } };
  for (const [name, category, value, meaning] of layout.statuses.values) {
    const code = -((layout.statuses.categories[category]! << 16) | value);
    assert.equal(statusName(code), name);
    assert.ok(meaning.length > 0);
  }
});

test('memory does not grow for a hello, a SYN or a hash', () => {
  const before = core.exports.memory.buffer.byteLength;
  core.parse(helloMessage({ extensions: [[0x7777, Buffer.alloc(15_000)]] }), L.FORM_HANDSHAKE, L.PROTO_TLS);
  core.exports.sp_sha256(L.MAX_INPUT_BYTES);
  core.exports.sp_parse_syn(1_000);
  assert.equal(core.exports.memory.buffer.byteLength, before);
});

/** A DTLS message's header: length, sequence, offset and length of the fragment. */
function dtlsHeader(total: number, from: number, length: number, type = 1): Buffer {
  const header = Buffer.alloc(12);
  header[0] = type;
  header.writeUIntBE(total, 1, 3);
  header.writeUIntBE(from, 6, 3);
  header.writeUIntBE(length, 9, 3);
  return header;
}

test('a bare DTLS message must be whole, one fragment and a ClientHello', () => {
  const status = (...parts: Uint8Array[]): string =>
    statusName(core.parse(Buffer.concat(parts), L.FORM_HANDSHAKE, L.PROTO_DTLS));
  assert.equal(status(dtlsHeader(4, 0, 4, 2)), 'unexpected_message');
  assert.equal(status(dtlsHeader(4, 0, 4).subarray(0, 11)), 'need_more');
  assert.equal(status(dtlsHeader(4, 0, 4), Buffer.alloc(3)), 'need_more');
  assert.equal(status(dtlsHeader(4, 0, 3), Buffer.alloc(4)), 'fragment_mismatch');
  assert.equal(status(dtlsHeader(4, 1, 4), Buffer.alloc(4)), 'fragment_mismatch');
  assert.equal(status(dtlsHeader(16_373, 0, 16_373)), 'hello_too_large');
  assert.equal(status(dtlsHeader(4, 0, 4), Buffer.alloc(4)), 'hello_truncated');
});
