/**
 * Damages ClientHellos and compares what the scalar core, its SIMD twin and the reference say of each. The two
 * cores have different bytes behind every input, so reading past an end shows as a difference too.
 *
 *     npm run fuzz -- --count 1000000 --seed 1
 */
import { parseArgs } from 'node:util';
import { readHello } from '../reference/client-hello.ts';
import { answerOfCore, answerOfReference } from '../support/hello-answers.ts';
import { RawCore } from '../support/raw-core.ts';
import { missing, readLines } from '../support/shared-data.ts';
import { mutate, Random, type Sample, seedHellos } from './mutate.ts';

const HELLOS = 'hellos-dev.jsonl';
const HOSTILE = 'fuzz/hostile-wire-dev.jsonl.gz';
const STEP = 10_000;
/** A first measurement above this many microseconds is repeated, since a pause of the machine looks the same. */
const SUSPICIOUS_US = 100;
const REPETITIONS = 9;

function corpus(): Sample[] {
  const samples = seedHellos();
  if (!missing(HELLOS)) {
    for (const row of readLines(HELLOS)) {
      samples.push({ bytes: Buffer.from(row.handshake_hex, 'hex'), form: 'handshake', proto: row.proto });
      if (!row.record_hex) continue;
      samples.push({ bytes: Buffer.from(row.record_hex, 'hex'), form: 'records', proto: row.proto });
    }
  }
  if (!missing(HOSTILE)) {
    for (const row of readLines(HOSTILE)) {
      samples.push({ bytes: Buffer.from(row.wire_hex, 'hex'), form: 'records', proto: 'tls' });
    }
  }
  // The longest would take most of the time; lengths are changed by mutation anyway.
  return samples.filter(({ bytes }) => bytes.length > 0 && bytes.length < 2_500);
}

const scalar = new RawCore('scalar', 0x00);
const simd = new RawCore('simd', 0xff);

/** Microseconds that parsing takes at best. */
function measure({ bytes, form, proto }: Sample, repetitions: number): number {
  const number = form === 'records' ? 0 : 1;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repetitions; i++) {
    scalar.place(bytes);
    const started = performance.now();
    scalar.exports.sp_parse(bytes.length, number, proto === 'tls' ? 0 : proto === 'dtls' ? 1 : 2);
    best = Math.min(best, (performance.now() - started) * 1_000);
  }
  return best;
}

function report(sample: Sample, answers: Record<string, string>): void {
  console.error(`the answers differ for ${sample.form} ${sample.proto} ${sample.bytes.toString('hex')}`);
  for (const [name, answer] of Object.entries(answers)) console.error(`${name}: ${answer}`);
}

function run(count: number, seed: number): boolean {
  const random = new Random(seed);
  const samples = corpus();
  const outcomes = new Map<string, number>();
  const started = performance.now();
  let slowest = 0;
  for (let done = 1; done <= count; done++) {
    const sample = mutate(random, samples);
    const { bytes, form, proto } = sample;
    let took = measure(sample, 1);
    if (took > SUSPICIOUS_US) took = measure(sample, REPETITIONS);
    slowest = Math.max(slowest, took);
    const answers = {
      scalar: answerOfCore(scalar, bytes, form, proto),
      simd: answerOfCore(simd, bytes, form, proto),
      reference: answerOfReference(readHello(bytes, form, proto)),
    };
    if (answers.scalar !== answers.reference || answers.simd !== answers.reference) {
      report(sample, answers);
      return false;
    }
    const outcome = answers.scalar.split('\n', 1)[0]!;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    if (process.stderr.isTTY && done % STEP === 0) {
      process.stderr.write(`\r${done} of ${count} (${Math.round((done / count) * 100)} %)`);
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  const seconds = (performance.now() - started) / 1_000;
  console.log(`${count} damaged hellos from ${samples.length}, seed ${seed}: no difference, no trap`);
  console.log(`${seconds.toFixed(0)} s; the slowest took ${slowest.toFixed(0)} µs to parse`);
  for (const [outcome, times] of [...outcomes].sort((a, b) => b[1] - a[1])) {
    console.log(`${String(times).padStart(10)}  ${outcome}`);
  }
  return true;
}

const { values } = parseArgs({
  options: { count: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const [count, seed] = [Number(values.count), Number(values.seed)];
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(seed)) {
  console.error('usage: npm run fuzz -- [--count <hellos>] [--seed <number>]');
  process.exitCode = 2;
} else if (!run(count, seed)) {
  process.exitCode = 1;
}
