/** Which canaries a site's decision asks about, and the side of each that a connection is on. */
import type { Core } from '../core/core.ts';
import type { Condition, Program, Site } from '../pdl/ir.ts';

/** The side of a canary that a connection is on: its share of the clients, or all the others. */
export interface CanaryArm {
  readonly name: string;
  readonly arm: 'canary' | 'rest';
}

/** Indexes in `Program.canaries`, ascending, of those that the site's rules, signals or ladder ask about. */
export function canariesOf(program: Program, site: Site): readonly number[] {
  const conditions: readonly (Condition | undefined)[] = [
    ...site.rules.map((index) => program.rules[index]!.when),
    ...program.scores[site.score]!.signals.map(({ when }) => when),
    site.canaryLadder?.when,
  ];
  const found = new Set<number>();
  for (const { yes, no } of conditions.flatMap((condition) => condition ?? [])) {
    for (const index of [...yes, ...no]) {
      const { operand } = program.atoms[index]!;
      if ('canary' in operand) found.add(operand.canary);
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** The arms of the connection whose numbers were drawn last; without the canaries whose key is not known. */
export function armsOf(core: Core, program: Program, canaries: readonly number[]): readonly CanaryArm[] {
  return canaries.flatMap((index) => {
    const { name, share } = program.canaries[index]!;
    const draw = core.drawOf(index);
    return draw === null ? [] : [{ name, arm: draw < share ? 'canary' : 'rest' } as const];
  });
}
