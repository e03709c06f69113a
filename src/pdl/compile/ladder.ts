/** Ladders: from scores to policies. */

import type { Rung, Score } from '../ir.ts';
import type { Name, RungNode, SiteEntry } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { lookup, type Module } from './modules.ts';
import { compilePolicy } from './policy.ts';
import { scoreOf } from './score.ts';
import { integerOf } from './units.ts';

/** The rungs of a site's `ladder`, written there or by name. */
export function ladderOf(
  build: Build,
  module: Module,
  entry: Extract<SiteEntry, { kind: 'ladder' }>,
  scoreName: Name | null,
  score: number | null,
): Rung[] {
  if ('length' in entry.ladder) {
    return rungsOf(build, module, entry.ladder, score === null ? null : build.scores.items[score]!);
  }
  const found = lookup(module, ['ladder'], entry.ladder, build.report);
  if (found === null) return [];
  build.used.add(found.node);
  const graded = scoreOf(build, found.module, found.node.score);
  if (graded !== null && score !== null && graded !== score) {
    const message = `this ladder grades \`${found.node.score.text}\`, and the site's score is \`${scoreName!.text}\``;
    build.report.error('PDL-L010', entry.span, message, 'use a ladder on the score of the site');
  }
  return rungsOf(build, found.module, found.node.rungs, score === null ? null : build.scores.items[score]!);
}

/** Checks that the rungs rise from the clamp's minimum. */
export function rungsOf(
  build: Build,
  module: Module,
  nodes: readonly RungNode[],
  score: Score | null,
): Rung[] {
  const { report } = build;
  const rungs = nodes.map((node) => {
    const rung = { from: integerOf(node.from.text), policy: compilePolicy(build, module, node.policy) };
    build.origins.rungs.set(rung, node);
    return rung;
  });
  if (score === null) return rungs;
  nodes.forEach((node, index) => {
    const { from } = rungs[index]!;
    if (index === 0 && from !== score.min) {
      const message = `the first rung begins at ${from}, but scores begin at ${score.min}`;
      report.error('PDL-L001', node.from.span, message, `write \`from ${score.min}\``);
    } else if (index > 0 && from <= rungs[index - 1]!.from) {
      const message = 'the rungs of a ladder must rise';
      report.error(
        'PDL-L001',
        node.from.span,
        message,
        'order them by their bound, each above the one before',
      );
    } else if (from > score.max) {
      const message = `scores end at ${score.max}`;
      report.error('PDL-L001', node.from.span, message, 'lower the bound or widen the clamp');
    }
  });
  return rungs;
}
