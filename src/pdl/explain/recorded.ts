/** Changes of a recorded decision: its facts are gone, but its points are there to count with. */
import type { Program, Site } from '../ir.ts';
import { showVerdict } from '../testing/test-run.ts';
import { explainLadder } from './explanation.ts';
import type { Change } from './nearest.ts';

interface Recorded {
  readonly score: number;
  readonly parts: readonly { readonly name: string; readonly points: number }[];
}

/** How many points lie between the score and the other rungs, and which single signal made the difference. */
export function changesOfScore(program: Program, site: Site, { score, parts }: Recorded): Change[] {
  const rungs = explainLadder(program, site, score);
  const here = rungs.find(({ reached }) => reached);
  const change = (given: string, to: number): Change => {
    const { policy: index } = site.ladder.findLast(({ from }) => from <= to)!;
    const policy = program.policies[index]!;
    const accepts = policy.verdict.action === 'accept';
    const challenge =
      accepts && policy.challenge !== null ? program.challenges[policy.challenge]!.name : null;
    return { given: [given], policy: policy.name, action: showVerdict(policy.verdict), challenge, score: to };
  };
  const without = parts.flatMap(({ name }) => {
    const then = sum(
      program,
      site,
      parts.filter((part) => part.name !== name),
    );
    const moves = here !== undefined && (then < here.from || then > here.to);
    return moves ? [change(`without ${name}`, then)] : [];
  });
  const apart = rungs
    .filter(({ reached }) => !reached)
    .map(({ from, to }) => {
      const bound = from > score ? from : to;
      return change(`${Math.abs(bound - score)} points ${bound > score ? 'more' : 'fewer'}`, bound);
    });
  return [...without, ...apart].toSorted((a, b) => Math.abs(a.score - score) - Math.abs(b.score - score));
}

/** The score of these signals, groups and clamp applied. */
function sum(program: Program, site: Site, parts: Recorded['parts']): number {
  const { groups, signals, min, max } = program.scores[site.score]!;
  const sums = groups.map(() => 0);
  let total = 0;
  for (const { name, points } of parts) {
    const group = signals.find((signal) => signal.name === name)?.group ?? null;
    if (group === null) total += points;
    else sums[group]! += points;
  }
  groups.forEach(({ cap, floor }, index) => {
    total += Math.min(cap, Math.max(floor, sums[index]!));
  });
  return Math.min(max, Math.max(min, total));
}
