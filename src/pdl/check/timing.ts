/** P005: times that are out of order. */
import type { Subject } from './subject.ts';
import { warn } from './subject.ts';

/** SHA-256 hashes a second of a slow phone's browser. */
const HASHES_PER_SECOND = 500_000;

export function checkTiming({ program, origins, report }: Subject): void {
  for (const policy of program.policies) {
    const node = origins.policies.get(policy);
    const { timeoutMs, helloTimeoutMs } = policy.handshake;
    if (!node || helloTimeoutMs < timeoutMs) continue;
    const entries = node.sections.flatMap((section) => (section.kind === 'handshake' ? section.entries : []));
    const span =
      entries.find(({ key }) => key === 'hello_timeout' || key === 'timeout')?.span ?? node.name.span;
    warn(report, 'PDL-P005', node.annotations, {
      span,
      message: `policy \`${policy.name}\` waits longer for the ClientHello than for the whole handshake`,
      help: 'make hello_timeout shorter than timeout',
      details: {
        notes: [
          `hello_timeout is ${helloTimeoutMs / 1000} s and timeout ${timeoutMs / 1000} s, both from accept`,
        ],
      },
    });
  }
  for (const challenge of program.challenges) {
    const node = origins.challenges.get(challenge);
    if (!node) continue;
    const at = (key: string) => node.entries.find((entry) => entry.key === key)?.span ?? node.name.span;
    if (challenge.solveWithinMs > challenge.clearsForMs) {
      warn(report, 'PDL-P005', node.annotations, {
        span: at('solve_within'),
        message: `challenge \`${challenge.name}\` may take longer than what it earns lasts`,
        help: 'make `clears for` longer than `solve_within`',
      });
    }
    const seconds = 2 ** challenge.difficulty.max / HASHES_PER_SECOND;
    if (
      challenge.kind !== 'pow' ||
      challenge.algorithm !== 'sha256_bits' ||
      seconds * 1000 <= challenge.solveWithinMs
    )
      continue;
    warn(report, 'PDL-P005', node.annotations, {
      span: at('difficulty'),
      message: `${challenge.difficulty.max} bits take longer than \`solve_within\` allows`,
      help: 'lower the difficulty, or allow more time',
      details: {
        notes: [`a slow phone tries 0.5 million hashes a second: about ${Math.ceil(seconds)} s on average`],
      },
    });
  }
}
