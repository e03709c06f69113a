import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Core, type HelloProto } from '../../src/core/core.ts';
import { type HelloReport, inspectHello, inspectSyn } from '../../src/core/inspect.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { alpn, helloMessage, inRecords } from '../support/hello-bytes.ts';
import { missing, readJson, readLines } from '../support/shared-data.ts';

const core = new Core(loadCoreModule());
const HELLOS = 'hellos-dev.jsonl';
const SYNS = 'syn-dev.jsonl';
const FUZZ = 'fuzz/hostile-wire-dev.jsonl.gz';
const JA3_KAT = 'kat/ja3_string_md5_kat.json';
const JA4_KAT = 'kat/ja4_spec_kat.json';
const FUZZ_BUDGET_MS = 20_000;

// biome-ignore lint/suspicious/noExplicitAny: a row of the data set
function fingerprints(row: any): Record<string, string> {
  const { ja3_string: ja3, ja3: ja3_hash, ja4, ja4_r, ja4_o, ja4_ro } = row.computed;
  return { ja3, ja3_hash, ja4, ja4_r, ja4_o, ja4_ro };
}

function report(bytes: Uint8Array, form: 'records' | 'handshake', proto: HelloProto): HelloReport {
  const answer = inspectHello(core, bytes, form, proto);
  assert.ok(!('error' in answer), JSON.stringify(answer));
  return answer;
}

function pick(answer: HelloReport, keys: readonly string[]): Record<string, unknown> {
  const values = answer as unknown as Record<string, unknown>;
  return Object.fromEntries(keys.map((key) => [key, values[key]]));
}

test('every real hello has its fingerprints as a bare message', { skip: missing(HELLOS) }, () => {
  for (const row of readLines(HELLOS)) {
    const wanted = fingerprints(row);
    const answer = report(Buffer.from(row.handshake_hex, 'hex'), 'handshake', row.proto);
    assert.deepEqual(pick(answer, Object.keys(wanted)), wanted, row.id);
    if (row.sni !== undefined && row.sni !== null) assert.equal(answer.sni, row.sni.toLowerCase(), row.id);
  }
});

test('every real hello has its fingerprints in the records it came in', { skip: missing(HELLOS) }, () => {
  for (const row of readLines(HELLOS)) {
    if (!row.record_hex) continue;
    const wanted = fingerprints(row);
    const answer = report(Buffer.from(row.record_hex, 'hex'), 'records', row.proto);
    assert.deepEqual(pick(answer, Object.keys(wanted)), wanted, row.id);
  }
});

test('published fingerprints come out where the publishers agree', { skip: missing(HELLOS) }, () => {
  for (const row of readLines(HELLOS)) {
    if (row.status !== 'published-agrees') continue;
    const { ja3, ja4, ja4_r } = row.expected;
    const answer = report(Buffer.from(row.handshake_hex, 'hex'), 'handshake', row.proto);
    if (ja3) assert.equal(answer.ja3_hash, ja3, row.id);
    if (ja4) assert.equal(answer.ja4, ja4, row.id);
    if (ja4_r) assert.equal(answer.ja4_r, ja4_r, row.id);
  }
});

test('a hello split over records anywhere has the same fingerprint', { skip: missing(HELLOS) }, () => {
  let random = 1;
  const next = (below: number): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return 1 + ((random >>> 8) % below);
  };
  for (const row of readLines(HELLOS)) {
    if (row.proto !== 'tls') continue;
    const message = Buffer.from(row.handshake_hex, 'hex');
    for (let i = 0; i < 4; i++) {
      const bytes = inRecords(message, [next(6), next(message.length), next(message.length)]);
      assert.equal(report(bytes, 'records', 'tls').ja4, row.computed.ja4, row.id);
    }
  }
});

test('a DTLS hello in shuffled fragments has the same fingerprint', { skip: missing(HELLOS) }, () => {
  for (const row of readLines(HELLOS)) {
    if (row.proto !== 'dtls') continue;
    const message = Buffer.from(row.handshake_hex, 'hex');
    const body = message.subarray(12);
    const middle = body.length >> 1;
    const cuts: readonly (readonly [number, number])[] = [
      [middle, body.length],
      [0, middle + 3],
    ];
    const records = cuts.map(([from, to]) => {
      const fragment = Buffer.concat([message.subarray(0, 6), Buffer.alloc(6), body.subarray(from, to)]);
      fragment.writeUIntBE(from, 6, 3);
      fragment.writeUIntBE(to - from, 9, 3);
      const header = Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
      header.writeUInt16BE(fragment.length, 11);
      return Buffer.concat([header, fragment]);
    });
    assert.equal(report(Buffer.concat(records), 'records', 'dtls').ja4, row.computed.ja4, row.id);
  }
});

test('every real SYN has the signature p0f gives it', { skip: missing(SYNS) }, () => {
  for (const row of readLines(SYNS)) {
    const answer = inspectSyn(core, Buffer.from(row.ip_hex, 'hex'));
    if (row.kind === 'SYN+ACK')
      assert.deepEqual('error' in answer && answer.error.code, 'syn_not_syn', row.name);
    if (row.p0f_3_09b) assert.equal('sig' in answer && answer.sig, row.p0f_3_09b.raw_sig, row.ip_hex);
  }
});

test('hostile streams are answered with a status, in bounded time', { skip: missing(FUZZ) }, () => {
  const started = performance.now();
  for (const row of readLines(FUZZ)) {
    const bytes = Buffer.from(row.wire_hex, 'hex');
    const status = core.parse(bytes, 0, bytes.length, 'records', 'tls');
    assert.ok(Number.isInteger(status) && status <= 1, row.id);
    if (status === 0) assert.equal(core.hello.ja4, row.ja4, row.id);
    core.parse(bytes, 0, bytes.length, 'records', 'dtls');
    core.parse(bytes, 0, bytes.length, 'handshake', 'quic');
    core.parseSyn(bytes);
  }
  assert.ok(performance.now() - started < FUZZ_BUDGET_MS);
});

test('the JA3 strings of the known answers hash to their MD5', { skip: missing(JA3_KAT) }, () => {
  let checked = 0;
  for (const { ja3_string: text, ja3 } of readJson(JA3_KAT)) {
    const [version, ciphers, extensions, groups = [], formats = []] = text
      .split(',')
      .map((part: string) => codesOf(part));
    // A message cannot repeat what these strings only list, so strings that no readable hello has are left out.
    const bytes = helloFrom(version[0], ciphers, extensions, groups, formats);
    const answer = inspectHello(core, bytes, 'handshake', 'tls');
    if ('error' in answer || answer.ja3 !== text) continue;
    assert.equal(answer.ja3_hash, ja3);
    assert.equal(createHash('md5').update(text).digest('hex'), ja3);
    checked++;
  }
  assert.ok(checked > 300, `only ${checked} strings could be made into hellos`);
});

test('the ALPN examples of the JA4 specification come out', { skip: missing(JA4_KAT) }, () => {
  for (const { hex, out } of readJson(JA4_KAT).alpn_first_value_bytes_to_two_chars) {
    const name = Buffer.from(hex, 'hex').toString('latin1');
    const bytes = helloMessage({ extensions: [[16, alpn(name)]] });
    assert.equal(report(bytes, 'handshake', 'tls').ja4.slice(8, 10), out, hex);
  }
});

test('the list hashes of the JA4 specification come out', { skip: missing(JA4_KAT) }, () => {
  const { cipher_hash: ciphers, extension_hash: extensions } = readJson(JA4_KAT);
  const hexCodes = (text: string): number[] => text.split(',').map((code) => Number.parseInt(code, 16));
  const types = hexCodes(extensions.extensions_in_order).filter((type) => type !== 13);
  const sigalgs = hexCodes(extensions.signature_algorithms);
  const content = Buffer.alloc(2 + sigalgs.length * 2);
  content.writeUInt16BE(sigalgs.length * 2);
  sigalgs.forEach((code, i) => {
    content.writeUInt16BE(code, 2 + i * 2);
  });
  const bytes = helloMessage({
    ciphers: hexCodes(ciphers.ciphers_in_order),
    extensions: [...types.map((type) => [type, Buffer.alloc(0)] as const), [13, content]],
  });
  const [, b, c] = report(bytes, 'handshake', 'tls').ja4.split('_');
  assert.equal(b, ciphers.ja4_b);
  assert.equal(c, extensions.ja4_c);
});

function codesOf(part: string): number[] {
  return part === '' ? [] : part.split('-').map(Number);
}

function helloFrom(
  version: number,
  ciphers: number[],
  types: number[],
  groups: number[],
  formats: number[],
): Buffer {
  const content = (type: number): Buffer => {
    if (type === 10) {
      const list = Buffer.alloc(2 + groups.length * 2);
      list.writeUInt16BE(groups.length * 2);
      groups.forEach((code, i) => {
        list.writeUInt16BE(code, 2 + i * 2);
      });
      return list;
    }
    return type === 11 ? Buffer.from([formats.length, ...formats]) : Buffer.alloc(0);
  };
  return helloMessage({ version, ciphers, extensions: types.map((type) => [type, content(type)] as const) });
}
