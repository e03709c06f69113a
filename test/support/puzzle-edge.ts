/** A test edge that poses its puzzle where the test says, and clients that were asked. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ACTIONS_POLICY, startTestEdge, type TestEdge, type TestEdgeOptions } from './edge.ts';
import {
  type Answer,
  findSolution,
  type Hello,
  type HelloOptions,
  type LocalEnd,
  makeHello,
  RawClient,
  readPuzzle,
} from './raw-puzzle.ts';

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

/** The puzzle's difficulty is the score's: 40 points for a client without ALPN. */
export const SCORED = `pdl 1
import "std/tls" as tls
secret puzzle_key from env "SALLYPORT_TEST_PUZZLE_KEY"
score shape { clamp 0..100  signal no_alpn +40 when count(hello.alpn) == 0 }
challenge puzzle {
  kind pow  difficulty 6..14 over score 0..40  solve_within 30s  clears for 1h per conn.ip, hello.ja4  secret puzzle_key
  deliver [ handshake ]
}
policy puzzled extends tls.intermediate { challenge puzzle  rank 10 }
site all { listen edge  sni any  score shape  ladder { from 0 use puzzled }  on_error use puzzled }
`;

export interface Posed {
  readonly client: RawClient;
  readonly first: Hello;
  readonly answer: Answer & { kind: 'retry' };
}

/** A client whose first hello was answered with a puzzle. */
export async function posed(
  t: TestContext,
  port: number,
  options: HelloOptions = {},
  local: LocalEnd = {},
): Promise<Posed> {
  const client = await RawClient.open(port, local);
  t.after(() => client.close());
  const first = makeHello(options);
  const answer = await client.say(first);
  assert.ok(answer.kind === 'retry', `the answer is ${JSON.stringify(answer)}`);
  return { client, first, answer };
}

/** The solution of what it was asked, or a number that is none. */
export function solutionOf({ answer }: Posed, right: boolean): bigint {
  return findSolution(readPuzzle(answer.puzzle!), right);
}
