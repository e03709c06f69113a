import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import type { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import {
  type BatchHello,
  type BatchPool,
  createBatchPool,
  type HelloAnalysis,
  PolicyError,
} from '../../src/index.ts';
import { formatIp } from '../../src/orchestrator/ip.ts';
import { compileExample, EXPECTED, POLICY, VECTORS } from '../hosts/vectors.ts';

const { program } = compileExample();
const pool = createBatchPool({ threads: 2, policy: POLICY });
const inline = createBatchPool({ threads: 0, policy: POLICY });
after(() => Promise.all([pool.close(), inline.close()]));

const FORMS = ['records', 'handshake'] as const;
const PROTOS = ['tls', 'dtls', 'quic'] as const;
const unhex = (text: string): Uint8Array => (text === '-' ? new Uint8Array() : Buffer.from(text, 'hex'));
const lines = (path: string): string[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const hellos: BatchHello[] = lines(VECTORS).map((line) => {
  const [, form, proto, ip, syn, hello] = line.split('\t') as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const address = unhex(ip);
  const padded = Buffer.concat([Buffer.alloc(16 - address.length), address]);
  return {
    form: FORMS[Number(form)]!,
    proto: PROTOS[Number(proto)]!,
    ip: formatIp(padded, address.length === 4),
    syn: unhex(syn),
    hello: unhex(hello),
  };
});
const browser = hellos[12]!.hello;

/** The answers of a pool with threads, checked to be those of one without. */
async function analyze(batch: readonly (Uint8Array | BatchHello)[]): Promise<HelloAnalysis[]> {
  const [threaded, alone] = await Promise.all([pool.analyzeBatch(batch), inline.analyzeBatch(batch)]);
  assert.deepEqual(threaded, alone);
  return threaded;
}

describe('analyzeBatch', () => {
  it('gives the answers of the shared vectors, with and without threads', async () => {
    const answers = await analyze(hellos);
    const expected = lines(EXPECTED).map((line) => JSON.parse(line));
    assert.equal(answers.length, expected.length);
    answers.forEach((answer, i) => {
      const { name, hello, ja3, ja4, sni, sig, score, policy: index } = expected[i];
      assert.deepEqual(
        { ja3: answer.ja3, ja4: answer.ja4, sig: answer.syn, sni: hello === 0 ? answer.sni : null },
        { ja3, ja4, sig, sni },
        name,
      );
      assert.equal(answer.decision === null, hello !== 0, name);
      if (answer.decision === null) return;
      assert.equal(answer.decision.score, score, name);
      assert.equal(answer.decision.policy, program.policies[index]?.name ?? null, name);
    });
  });

  it('names the site, the rule and the action that decided', async () => {
    const [, , , forbidden, , exempted] = await analyze(hellos);
    assert.deepEqual(forbidden!.decision, {
      site: 'default',
      action: 'refuse',
      tier: 'forbid',
      policy: null,
      rule: 'null_cipher',
      score: 50,
      final: true,
    });
    assert.equal(exempted!.decision?.rule, 'partner');
    assert.equal(exempted!.decision?.action, 'accept');
  });

  it('keeps the order of more hellos than all blocks hold', async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => hellos[(i * 7) % hellos.length]!);
    const [once, all] = await Promise.all([inline.analyzeBatch(hellos), analyze(many)]);
    assert.deepEqual(
      all,
      many.map((_, i) => once[(i * 7) % hellos.length]),
    );
  });

  it('takes hellos that fill a block before their number does, and of any length', async () => {
    const large = hellos[19]!.hello;
    assert.ok(large.length > 12_000);
    const endless = Buffer.concat([browser, Buffer.alloc(1 << 20)]);
    const answers = await analyze([...Array.from({ length: 64 }, () => large), endless]);
    assert.deepEqual(new Set(answers.map(({ ja4 }) => ja4)).size, 2);
    assert.equal(answers.at(-1)!.ja4, (await analyze([browser]))[0]!.ja4);
  });

  it('answers overlapping calls, and an empty one', async () => {
    const [first, second, none] = await Promise.all([
      analyze(hellos),
      analyze(hellos.toReversed()),
      analyze([]),
    ]);
    assert.deepEqual(first, second.toReversed());
    assert.deepEqual(none, []);
  });

  it('decides nothing without a policy', async () => {
    await using plain = createBatchPool({ threads: 0 });
    const [answer] = await plain.analyzeBatch([browser]);
    assert.equal(answer!.decision, null);
    assert.match(answer!.ja4!, /^t13d/);
  });

  it('says which element is no hello', async () => {
    const bad = (entry: unknown): Promise<unknown> => pool.analyzeBatch([browser, entry as Uint8Array]);
    await assert.rejects(bad('16030100'), /^TypeError: hellos\[1\] must be a Uint8Array/);
    await assert.rejects(bad(null), /^TypeError: hellos\[1\] must be a Uint8Array/);
    await assert.rejects(
      bad({ hello: browser, ip: '1.2.3.400' }),
      /^RangeError: hellos\[1\]\.ip is not an address/,
    );
    await assert.rejects(
      bad({ hello: browser, proto: 'smtp' }),
      /hellos\[1\] has the form records and the proto smtp/,
    );
  });
});

/** The score of one row, by the definition of the language. */
function scoreRow(row: Readonly<Record<string, number>>): number {
  const score = program.scores[0]!;
  const sums = new Map<number | null, number>();
  for (const signal of score.signals) {
    const value = row[signal.name]!;
    let points = value !== 0 ? (signal.points ?? 0) : 0;
    if (signal.ramp !== undefined) {
      const { x0, x1, y0, y1 } = signal.ramp;
      const share = Math.min(1, Math.max(0, (value - x0) / (x1 - x0)));
      points = Number.isNaN(value) ? 0 : Math.trunc(y0 + (y1 - y0) * share);
    }
    sums.set(signal.group, (sums.get(signal.group) ?? 0) + points);
  }
  let total = 0;
  for (const [group, sum] of sums) {
    const { cap, floor } = group === null ? { cap: Infinity, floor: -Infinity } : score.groups[group]!;
    total += Math.min(cap, Math.max(floor, sum));
  }
  return Math.min(score.max, Math.max(score.min, total));
}

/** Rows of every signal of the example's score. */
function makeColumns(
  rows: number,
  value: (row: number, signal: number) => number,
): Record<string, Uint8Array | Float64Array> {
  return Object.fromEntries(
    program.scores[0]!.signals.map(({ name, ramp }, signal) => {
      const column = ramp === undefined ? new Uint8Array(rows) : new Float64Array(rows);
      for (let row = 0; row < rows; row++) {
        const number = value(row, signal);
        column[row] = ramp === undefined ? number & 1 : number % 11 === 0 ? Number.NaN : number % 80;
      }
      return [name, column];
    }),
  );
}

function rowOf(columns: Record<string, Uint8Array | Float64Array>, row: number): Record<string, number> {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column[row]!]));
}

describe('scoreBatch', () => {
  it('scores each row as the language says, with and without threads', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 200 }), fc.nat(), async (rows, seed) => {
        const columns = makeColumns(rows, (row, signal) => ((row + 1) * (signal + 3) * (seed + 7)) >>> 3);
        const scores = await pool.scoreBatch(columns);
        assert.deepEqual(
          [...scores],
          Array.from({ length: rows }, (_, row) => scoreRow(rowOf(columns, row))),
        );
        assert.deepEqual(await inline.scoreBatch(columns, 'risk'), scores);
      }),
      { numRuns: 50 },
    );
  });

  it('cuts many rows into tasks and puts the scores together', async () => {
    const columns = makeColumns(200_000, (row, signal) => row * (signal + 1));
    const scores = await pool.scoreBatch(columns);
    assert.equal(scores.length, 200_000);
    for (let row = 0; row < scores.length; row += 997)
      assert.equal(scores[row], scoreRow(rowOf(columns, row)));
    assert.deepEqual(await inline.scoreBatch(columns), scores);
  });

  it('adds nothing for a signal without a column', async () => {
    const scores = await pool.scoreBatch({ no_sni: Uint8Array.of(1, 0) });
    assert.deepEqual([...scores], [15, 0]);
  });

  it('says which column it does not take', async () => {
    const bytes = new Uint8Array(2);
    await assert.rejects(
      pool.scoreBatch({ colour: bytes }),
      /^RangeError: score risk has no signal called colour; it has/,
    );
    await assert.rejects(
      pool.scoreBatch({ many_suites: bytes }),
      /^TypeError: the column of many_suites must be a Float64Array/,
    );
    await assert.rejects(
      pool.scoreBatch({ no_sni: bytes, no_alpn: new Uint8Array(3) }),
      /^RangeError: the columns differ in length: no_sni 2, no_alpn 3/,
    );
    await assert.rejects(
      pool.scoreBatch({}, 'other'),
      /^RangeError: there is no score called other; there are risk/,
    );
    await using plain = createBatchPool({ threads: 0 });
    await assert.rejects(plain.scoreBatch({}), /needs a policy/);
  });
});

describe('a batch pool', () => {
  it('refuses options out of range', () => {
    assert.throws(
      () => createBatchPool({ threads: -1 }),
      /^RangeError: threads must be an integer from 0 to 256/,
    );
    assert.throws(() => createBatchPool({ threads: 0, maxHelloBytes: 1 }), /^RangeError: maxHelloBytes/);
    assert.throws(
      () => createBatchPool({ policy: POLICY, site: 'shop' }),
      /there is no site called shop; there are default/,
    );
    assert.throws(() => createBatchPool({ policy: `${POLICY}x` }), PolicyError);
  });

  it('rejects what comes after it was closed, and what is under way', async () => {
    for (const threads of [0, 1]) {
      const closing: BatchPool = createBatchPool({ threads, policy: POLICY });
      const many = Array.from({ length: 300 }, () => browser);
      const underWay = threads === 0 ? null : closing.analyzeBatch(many);
      const outcome = underWay?.then(
        () => 'finished',
        () => 'rejected',
      );
      await closing.close();
      if (outcome !== undefined) assert.equal(await outcome, 'rejected');
      await assert.rejects(closing.analyzeBatch([browser]), /the batch pool is closed/);
    }
  });

  it('does not keep the process alive when it is forgotten', () => {
    const url = new URL('../../src/index.ts', import.meta.url).href;
    const code = `import { createBatchPool } from ${JSON.stringify(url)};
      const pool = createBatchPool({ threads: 2 });
      const [answer] = await pool.analyzeBatch([Buffer.from('GET / HTTP/1.1')]);
      console.log(answer.status);`;
    const child = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    assert.equal(child.status, 0, child.stderr);
    assert.equal(child.stdout, 'not_tls\n');
  });
});

describe('a worker that dies', () => {
  for (const threads of [1, 2]) {
    it(`fails the batch it was at, says so, and the next one is done, with ${threads} threads`, async () => {
      const workers: Worker[] = [];
      const watch = (worker: Worker): void => void workers.push(worker);
      process.on('worker', watch);
      await using some = createBatchPool({ threads, policy: POLICY });
      try {
        const wanted = await some.analyzeBatch(hellos);
        const many = Array.from({ length: 300 }, () => hellos).flat();
        const failed = assert.rejects(some.analyzeBatch(many), /a batch worker ended.*call again/);
        await workers[0]!.terminate();
        await failed;
        assert.deepEqual(await some.analyzeBatch(hellos), wanted);
      } finally {
        process.off('worker', watch);
      }
    });
  }
});
