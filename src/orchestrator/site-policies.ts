/** What a site can come to. */
import type { Program, Site } from '../pdl/ir.ts';

/** Indexes of the policies that a connection of a site can get. */
export function policiesOf(program: Program, site: Site): ReadonlySet<number> {
  const ladders = [site.ladder, site.canaryLadder?.ladder ?? []];
  const found = new Set(ladders.flatMap((ladder) => ladder.map(({ policy }) => policy)));
  for (const rule of site.rules) {
    const { outcome } = program.rules[rule]!;
    if (outcome.action === 'use') found.add(outcome.policy);
  }
  found.add(site.onError);
  const limits = [...site.limits, ...[...found].flatMap((policy) => program.policies[policy]!.limits)];
  for (const limit of limits) {
    const { then } = program.limits[limit]!;
    if (then.action === 'use') found.add(then.policy);
  }
  return found;
}
