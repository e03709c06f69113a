/** What a policy uses its feeds for. */
import type { Condition, Program, Signal, Tier } from '../pdl/ir.ts';

const HARMFUL: ReadonlySet<Tier> = new Set(['forbid', 'deny', 'pin']);

/** Feeds of addresses by which `forbid` and `deny` rules turn clients away. */
export function blockingFeeds(program: Program): Set<number> {
  const rules = program.rules.filter(({ tier }) => tier === 'forbid' || tier === 'deny');
  const found = rules.flatMap(({ when }) => feedsIn(program, when));
  return new Set(found.filter((feed) => ['cidr', 'ip'].includes(program.feeds[feed]!.type)));
}

/** Feeds that some client fares worse for being in: by a rule, or by points of a score. */
export function harmfulFeeds(program: Program): Set<number> {
  const rules = program.rules.filter(({ tier }) => HARMFUL.has(tier));
  const signals = program.scores.flatMap((score) => score.signals).filter(addsPoints);
  const found = [...rules, ...signals].flatMap(({ when = [] }) => feedsIn(program, when));
  const ramps = signals.flatMap(({ ramp }) =>
    ramp && 'lookup' in ramp.operand ? [ramp.operand.lookup] : [],
  );
  return new Set([...found, ...ramps]);
}

function addsPoints({ points = 0, ramp }: Signal): boolean {
  return points > 0 || (ramp !== undefined && Math.max(ramp.y0, ramp.y1) > 0);
}

/** Feeds that a condition wants a value to be in. */
function feedsIn({ atoms, tables }: Program, condition: Condition): number[] {
  return condition
    .flatMap(({ yes }) => yes)
    .flatMap((index) => {
      const atom = atoms[index]!;
      if ('lookup' in atom.operand) return [atom.operand.lookup];
      const feed = atom.kind === 'table' ? tables[atom.table]!.feed : undefined;
      return feed === undefined ? [] : [feed];
    });
}
