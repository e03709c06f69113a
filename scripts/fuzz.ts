/**
 * Long runs of the policy language's fuzzers: `node scripts/fuzz.ts programs 1000000` compiles that many random and
 * mutated programs; `node scripts/fuzz.ts agreement 1000000` compares that many decisions of the core with the
 * reference evaluator's. A third number is the seed. The first failure ends the run with its program;
 * so does nothing else, but a program that took longer than a second makes the run fail.
 */
import { compare } from '../test/fuzz/agreement.ts';
import { survey } from '../test/fuzz/programs.ts';

const [kind, size = '10000', seed = '1'] = process.argv.slice(2);
const runs = { programs: survey, agreement: compare } as const;
const run = runs[kind as keyof typeof runs];
if (run === undefined || !(Number(size) > 0)) {
  console.error('usage: node scripts/fuzz.ts programs|agreement [SIZE] [SEED]');
  process.exit(2);
}
const start = performance.now();
let shown = 0;
const result = run(Number(size), Number(seed), (done) => {
  if (!process.stderr.isTTY || performance.now() - shown < 1000) return;
  shown = performance.now();
  process.stderr.write(`\r${done} of ${size}`);
});
const seconds = Math.round((performance.now() - start) / 1000);
console.log(JSON.stringify({ kind, seed: Number(seed), node: process.version, seconds, ...result }, null, 2));
if ('slowestMs' in result && result.slowestMs > 1000) process.exitCode = 1;
