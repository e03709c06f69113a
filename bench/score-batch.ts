/** Scoring rows from columns, 16 signals a row, in both builds of the core. */
import { encodeProgram } from '../src/core/image.ts';
import * as L from '../src/core/layout.gen.ts';
import { type CoreVariant, instantiateCore, loadCoreModule } from '../src/core/module.ts';
import type { Program, Signal } from '../src/pdl/ir.ts';
import { random } from './lib/prefixes.ts';
import { programWithRules } from './lib/rules.ts';
import { type Task, timeTasks } from './lib/samples.ts';
import type { Bench, BenchOptions } from './main.ts';

const ROWS = 8_192;

/** The signals of the benchmark's policy, with so many ramps among the 16. */
function withRamps(program: Program, ramps: number): Program {
  const score = program.scores[0]!;
  const signals = score.signals.map((signal, i): Signal => {
    const { name, group, span } = signal;
    const operand = { fact: L.FACT_HELLO_SIZE };
    return i < ramps
      ? { name, group, span, ramp: { operand, x0: 100, x1: 900, y0: 0, y1: 10 + i } }
      : { name, group, span, when: [], points: 5 + i };
  });
  return { ...program, scores: [{ ...score, signals }] };
}

function batch(variant: CoreVariant, ramps: number): Task {
  const core = instantiateCore(loadCoreModule(variant));
  const program = withRamps(programWithRules(0), ramps);
  const { image } = encodeProgram(program);
  new Uint8Array(core.memory.buffer).set(image, core.sp_region(L.REGION_IMAGE));
  if (core.sp_load_image(image.length) < 0) throw new Error('the core refused the policy');
  const view = new DataView(core.memory.buffer, core.sp_region(L.REGION_BATCH), L.MAX_BATCH_BYTES);
  const next = random(1);
  let at = 64;
  program.scores[0]!.signals.forEach((signal, index) => {
    // Ramps share one column: a batch holds no more of them than fit.
    const column = signal.ramp ? 64 : at + (ramps > 0 && index === ramps ? ROWS * 8 : 0);
    view.setInt32(index * 4, column, true);
    for (let row = 0; row < ROWS; row++) {
      if (signal.ramp) view.setFloat64(column + row * 8, next() * 1_000, true);
      else view.setUint8(column + row, next() < 0.3 ? 1 : 0);
    }
    if (!signal.ramp) at = column + ROWS;
  });
  const out = Math.max(at, 64 + ROWS * 8);
  const run = (): void => {
    if (core.sp_score_batch(0, ROWS, 0, out) !== 0) throw new Error('the batch was refused');
  };
  return { name: `${variant}, ${16 - ramps} signals and ${ramps} ramps`, calls: ROWS, run };
}

async function run(options: BenchOptions): Promise<{ passed: boolean; result: object }> {
  const tasks = (['scalar', 'simd'] as const).flatMap((variant) =>
    [0, 4, 16].map((ramps) => batch(variant, ramps)),
  );
  const timings = await timeTasks(tasks, options.rounds!, options.milliseconds!);
  const rows = timings.map(({ name, nanoseconds }) => ({
    name,
    nanosecondsARow: nanoseconds.best,
    millionScoresASecond: { best: 1_000 / nanoseconds.best, median: 1_000 / nanoseconds.median },
  }));
  console.table(
    Object.fromEntries(rows.map(({ name, millionScoresASecond }) => [name, millionScoresASecond])),
  );
  return { passed: true, result: { rows: ROWS, signals: 16, tasks: rows } };
}

export const bench: Bench = {
  summary: 'Scores of rows from columns, 16 signals a row.',
  defaults: { rounds: 5, milliseconds: 200 },
  run,
};
