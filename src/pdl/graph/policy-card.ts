/** What a policy does, in a few lines, and the colour that stands for it. */
import type { Policy, Program } from '../ir.ts';
import { showVerdict } from '../testing/test-run.ts';

/** Green is served, amber served after some work, blue served elsewhere or watched, red turned away. */
export type Tone = 'good' | 'work' | 'away' | 'bad';

export function toneOf({ verdict, challenge, authenticate, upstream }: Policy): Tone {
  if (verdict.action !== 'accept') return 'bad';
  if (challenge !== null || authenticate !== undefined) return 'work';
  return upstream === undefined ? 'good' : 'away';
}

/** The lines of a policy's card, the most telling first. */
export function cardLines(program: Program, policy: Policy): string[] {
  const { verdict, tls, challenge, clientCert, authenticate, upstream, handshake, limits, rank } = policy;
  const lines = [showVerdict(verdict)];
  if (verdict.action === 'accept') {
    const [from, to] = [tls.minVersion, tls.maxVersion].map((code) => `1.${code - 0x0301}`);
    lines[0] = `accept, TLS ${from === to ? from : `${from} to ${to}`}`;
    if (challenge !== null) lines.push(`challenge ${program.challenges[challenge]!.name}`);
    if (authenticate !== undefined) {
      lines.push(`then ${authenticate.methods.map(({ method }) => method).join(' or ')}`);
    }
    if (clientCert !== undefined) lines.push(`client certificate ${clientCert.mode}d`.replace(/ee?d$/, 'ed'));
    if (upstream !== undefined) lines.push(`upstream ${upstream}`);
    lines.push(`within ${handshake.timeoutMs / 1000} s`);
  }
  for (const index of limits) lines.push(`limit ${program.limits[index]!.name}`);
  lines.push(`rank ${rank}`);
  return lines;
}
