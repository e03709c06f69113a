/** How long the slowest hostile ClientHellos take to parse; reads the shared data, or makes its own. */

import * as L from '../src/core/layout.gen.ts';
import { helloMessage, inRecords } from '../test/support/hello-bytes.ts';
import { RawCore } from '../test/support/raw-core.ts';
import { missing, readLines } from '../test/support/shared-data.ts';
import { percentile } from './lib/result.ts';
import type { Bench, BenchOptions } from './main.ts';

const STREAMS = 'fuzz/hostile-wire-dev.jsonl.gz';

/** What takes longest by construction: every list as long as it may be, in the fewest bytes. */
function made(): [string, Buffer][] {
  const many = (count: number): number[] => Array.from({ length: count }, (_, i) => (i * 40_503) & 0xffff);
  const codes = (count: number): Buffer => {
    const list = Buffer.alloc(2 + count * 2);
    list.writeUInt16BE(count * 2);
    many(count).forEach((code, i) => {
      list.writeUInt16BE(code, 2 + i * 2);
    });
    return list;
  };
  const all = L.MAX_LIST_CODES;
  const full = helloMessage({
    ciphers: many(all),
    extensions: [
      [10, codes(all)],
      [13, codes(all)],
      ...many(all - 2).map((type) => [type, Buffer.alloc(0)] as const),
    ],
  });
  return [
    ['every list full', inRecords(full)],
    ['every list full, a byte a record', inRecords(full, new Array(full.length).fill(1))],
    [
      '15,000 bytes in one extension',
      inRecords(helloMessage({ extensions: [[0x7777, Buffer.alloc(15_000)]] })),
    ],
  ];
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const core = new RawCore('scalar');
  const streams = made();
  if (missing(STREAMS)) console.log(`without the hostile streams: ${missing(STREAMS)}`);
  else for (const row of readLines(STREAMS)) streams.push([row.id, Buffer.from(row.wire_hex, 'hex')]);
  const rows = streams.map(([name, bytes]) => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < options.repetitions!; i++) {
      core.place(bytes);
      const started = performance.now();
      core.exports.sp_parse(bytes.length, L.FORM_RECORDS, L.PROTO_TLS);
      best = Math.min(best, (performance.now() - started) * 1_000);
    }
    return { name, bytes: bytes.length, microseconds: Number(best.toFixed(2)) };
  });
  const slowest = rows.toSorted((a, b) => b.microseconds - a.microseconds).slice(0, 8);
  console.table(slowest);
  const times = rows.map(({ microseconds }) => microseconds);
  const result = {
    streams: rows.length,
    median: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    slowest,
  };
  return { passed: slowest.every(({ microseconds }) => microseconds <= options.microseconds!), result };
}

export const bench: Bench = {
  summary:
    'The slowest hostile ClientHellos; fails above `microseconds` each, the best of `repetitions` runs.',
  defaults: { repetitions: 15, microseconds: 200 },
  run,
};
