/** The core's hashes against those of `node:crypto`, in one run: the copies a host makes are part of each. */
import { createHmac, hash } from 'node:crypto';
import { Bench as Tinybench } from 'tinybench';
import * as L from '../src/core/layout.gen.ts';
import { type CoreExports, type CoreVariant, instantiateCore, loadCoreModule } from '../src/core/module.ts';
import type { Bench, BenchOptions } from './main.ts';

/** Bytes of a challenge's token, a colon and a nonce, as they are checked. */
const PROOF_BYTES = 84;
const LIST_BYTES = 300;
const NONCES = 1_000;
/** Items in one measurement at least, so that reading the clock does not count. */
const MIN_ITEMS = 50;
const VARIANTS: readonly CoreVariant[] = ['scalar', 'simd'];

/** Work on `items` inputs; a task's name is `<work>: <by whom>`. */
interface Task {
  readonly name: string;
  readonly items: number;
  run(): void;
}

function coreTasks(variant: CoreVariant, proof: Buffer, list: Buffer): Task[] {
  const exports: CoreExports = instantiateCore(loadCoreModule(variant));
  const memory = new Uint8Array(exports.memory.buffer);
  const view = new DataView(exports.memory.buffer);
  const input = exports.sp_region(L.REGION_INPUT);
  const pow = exports.sp_region(L.REGION_POW);
  memory.fill(7, exports.sp_region(L.REGION_KEY), exports.sp_region(L.REGION_KEY) + 32);
  const give = (bytes: Uint8Array): number => {
    memory.set(bytes, input);
    return bytes.length;
  };
  const by = `core, ${variant}`;
  return [
    {
      name: `proof of work, one: ${by}`,
      items: 1,
      run: () => void exports.sp_leading_zero_bits(give(proof)),
    },
    {
      name: `proof of work, ${L.MAX_POW_BATCH} a call: ${by}`,
      items: L.MAX_POW_BATCH,
      run: () => {
        for (let i = 0; i < L.MAX_POW_BATCH; i++) {
          const item = pow + i * L.POW_BYTES;
          view.setUint32(item + L.POW_LENGTH_AT, proof.length, true);
          memory.set(proof, item + L.POW_DATA_AT);
        }
        exports.sp_pow_check(L.MAX_POW_BATCH);
      },
    },
    {
      name: `solver: ${by}`,
      items: NONCES,
      run: () => void exports.sp_solve(give(proof), 1_000_000, NONCES, 200),
    },
    {
      name: `SHA-256 of ${LIST_BYTES} bytes: ${by}`,
      items: 1,
      run: () => void exports.sp_sha256(give(list)),
    },
    { name: `MD5 of ${LIST_BYTES} bytes: ${by}`, items: 1, run: () => void exports.sp_md5(give(list)) },
    {
      name: `HMAC-SHA-256 of ${PROOF_BYTES} bytes: ${by}`,
      items: 1,
      run: () => void exports.sp_hmac_sha256(32, give(proof)),
    },
  ];
}

function nodeTasks(proof: Buffer, list: Buffer): Task[] {
  const key = Buffer.alloc(32, 7);
  const zeroBits = (): number => Math.clz32(hash('sha256', proof, 'buffer').readUInt32BE());
  const prefix = proof.toString('latin1');
  return [
    { name: 'proof of work, one: node:crypto', items: 1, run: () => void zeroBits() },
    {
      name: `proof of work, ${L.MAX_POW_BATCH} a call: node:crypto`,
      items: L.MAX_POW_BATCH,
      run: () => {
        for (let i = 0; i < L.MAX_POW_BATCH; i++) zeroBits();
      },
    },
    {
      name: 'solver: node:crypto',
      items: NONCES,
      run: () => {
        for (let i = 0; i < NONCES; i++) hash('sha256', `${prefix}${1_000_000 + i}`, 'buffer');
      },
    },
    {
      name: `SHA-256 of ${LIST_BYTES} bytes: node:crypto`,
      items: 1,
      run: () => void hash('sha256', list, 'buffer'),
    },
    {
      name: `MD5 of ${LIST_BYTES} bytes: node:crypto`,
      items: 1,
      run: () => void hash('md5', list, 'buffer'),
    },
    {
      name: `HMAC-SHA-256 of ${PROOF_BYTES} bytes: node:crypto`,
      items: 1,
      run: () => void createHmac('sha256', key).update(proof).digest(),
    },
  ];
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const proof = Buffer.alloc(PROOF_BYTES, 'p');
  const list = Buffer.alloc(LIST_BYTES, 'l');
  const tasks = [
    ...nodeTasks(proof, list),
    ...VARIANTS.flatMap((variant) => coreTasks(variant, proof, list)),
  ];
  const bench = new Tinybench({ time: options.milliseconds! });
  const repetitions = tasks.map(({ items }) => Math.ceil(MIN_ITEMS / items));
  for (const [index, { name, run: work }] of tasks.entries()) {
    bench.add(name, () => {
      for (let i = 0; i < repetitions[index]!; i++) work();
    });
  }
  await bench.run();
  const nanoseconds = new Map(
    bench.tasks.map(({ name, result }, i) => {
      if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
      return [name, (result.latency.p50 * 1e6) / (tasks[i]!.items * repetitions[i]!)];
    }),
  );
  const rows = [...nanoseconds].map(([name, time]) => {
    const [work] = name.split(': ');
    return {
      name,
      nanoseconds: Math.round(time),
      millionsPerSecond: Number((1e3 / time).toFixed(2)),
      timesNodeCrypto: Number((nanoseconds.get(`${work}: node:crypto`)! / time).toFixed(2)),
    };
  });
  console.table(rows);
  const proofs = rows.filter(({ name }) => name.startsWith('proof of work, one: core'));
  return {
    passed: proofs.every(({ millionsPerSecond }) => millionsPerSecond >= options.proofs!),
    result: { rows },
  };
}

export const bench: Bench = {
  summary: "The core's hashes against node:crypto; fails below `proofs` million checks a second.",
  defaults: { milliseconds: 500, proofs: 2 },
  run,
};
