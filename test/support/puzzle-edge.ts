/** A test edge that poses its puzzle where the test says. */
import type { TestContext } from 'node:test';
import { ACTIONS_POLICY, startTestEdge, type TestEdge, type TestEdgeOptions } from './edge.ts';

/** The policies of every test edge; `puzzle.test` is asked for `difficulty`, in the places of `deliver`. */
export function puzzlePolicy(deliver: string, difficulty = '8'): string {
  return ACTIONS_POLICY.replace('difficulty 8', `difficulty ${difficulty}`).replace(
    'secret puzzle_key\n',
    `secret puzzle_key  deliver [ ${deliver} ]\n`,
  );
}

export function startPuzzleEdge(
  t: TestContext,
  deliver: string,
  difficulty?: string,
  options: TestEdgeOptions = {},
): Promise<TestEdge> {
  return startTestEdge(t, { policy: puzzlePolicy(deliver, difficulty), ...options });
}
