/** Compiles random policies and compares what the decision core and the reference evaluator say about random clients. */
import assert from 'node:assert/strict';
import { Core } from '../../src/core/core.ts';
import { encodeProgram, encodeTables } from '../../src/core/image.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { compile } from '../../src/pdl/compile/compile.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';
import { Random } from '../support/random.ts';
import { evaluate, type Situation } from '../support/reference-evaluator.ts';
import { randomFeeds, randomPolicy, randomSituation } from './policies.ts';

/** Clients asked about each policy. */
const CLIENTS = 50;

export interface Agreement {
  readonly pairs: number;
  readonly policies: number;
  /** Decisions by tier, so that it shows what was reached. */
  readonly tiers: Readonly<Record<string, number>>;
}

/** Compares at least `pairs` pairs of a policy and a client. @throws AssertionError at the first difference. */
export function compare(
  pairs: number,
  seed: number,
  onProgress: (done: number) => void = () => {},
): Agreement {
  const core = new Core(loadCoreModule());
  const tiers: Record<string, number> = {};
  let done = 0;
  let policies = 0;
  for (let round = seed; done < pairs; round++) {
    const random = new Random(round);
    const text = randomPolicy(random);
    const { program, diagnostics } = compile({ path: 'random.pdl', text }, () => null);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    // why: a random condition may be too large to write out; that is refused by name, and no policy.
    if (program === null && errors.every(({ code }) => code.startsWith('PDL-B'))) continue;
    assert.ok(program, `seed ${round}\n${text}\n${JSON.stringify(errors, null, 1)}`);
    policies++;
    const feeds = randomFeeds(random, program);
    assert.equal(core.loadTables(encodeTables(program, feeds)), 0);
    assert.ok(core.loadImage(encodeProgram(program).image) > 0);
    for (let client = 0; client < CLIENTS; client++, done++) {
      const now: Situation = { ...randomSituation(random, program), feeds };
      const site = random.below(program.sites.length);
      const tier = agree(core, program, site, now, () => `seed ${round}, client ${client}\n${text}`);
      tiers[tier] = (tiers[tier] ?? 0) + 1;
    }
    onProgress(done);
  }
  return { pairs: done, policies, tiers };
}

function agree(core: Core, program: Program, site: number, now: Situation, describe: () => string): string {
  const wanted = evaluate(program, site, now);
  apply(core, now);
  const decision = core.decide(site, now.phase as 0 | 1 | 2 | 3);
  const { status, signalPoints, signalMatched: _, ...rest } = decision;
  try {
    assert.equal(status, 0);
    assert.deepEqual({ ...rest, points: [...signalPoints] }, wanted);
  } catch (difference) {
    throw new Error(describe(), { cause: difference });
  }
  return decision.tier;
}

function apply(core: Core, now: Situation): void {
  core.begin();
  for (const [index, value] of now.facts) {
    const { type } = FACTS[index]!;
    if (typeof value === 'number') core.setNumber(index, value);
    else if (type === 'ip') {
      const bytes = Uint8Array.from([
        ...new Array(10).fill(0),
        255,
        255,
        ...String(value).split('.').map(Number),
      ]);
      core.setIp(index, bytes, true);
    } else if (typeof value === 'string') core.setText(index, value);
    else if (type === 'cipher') core.setList(index, value as number[]);
    else core.setStrings(index, value as string[]);
  }
  for (const [counter, rate] of now.rates) core.setRate(counter, rate);
  for (const [canary, draw] of now.draws) core.setDraw(canary, draw);
}
