/** H001 and H002: facts needed before they are known, and rules that keep others waiting. */
import type { CountedEvent, Counter, KeyPart, Limit, Phase, Program, Rule } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { CounterNode, LimitNode } from '../syntax/ast.ts';
import type { Subject } from './subject.ts';

const PHASES: readonly Phase[] = ['connect', 'hello', 'cert', 'request'];
/** The phase in which each event is counted. */
const EVENT_PHASES: Readonly<Record<CountedEvent, Phase>> = {
  hello: 'hello',
  handshake: 'cert',
  failure: 'cert',
  request: 'request',
  challenge: 'request',
  challenge_fail: 'request',
};
const MOMENTS: Readonly<Record<Phase, string>> = {
  connect: 'when a client connects',
  hello: 'with the ClientHello',
  cert: 'with the client’s certificate',
  request: 'with the first request',
};

export function checkPhases(subject: Subject): void {
  checkEvents(subject);
  checkCanaries(subject);
  checkWaiting(subject);
}

function latest(key: readonly KeyPart[]): { phase: number; name: string } {
  const parts = key.map(({ fact }) => ({
    phase: PHASES.indexOf(FACTS[fact]!.phase),
    name: FACTS[fact]!.name,
  }));
  return parts.reduce((a, b) => (b.phase > a.phase ? b : a), { phase: 0, name: '' });
}

function checkEvents({ program, origins, report }: Subject): void {
  const check = (counted: Counter | Limit, node: CounterNode | LimitNode | undefined): void => {
    const last = latest(counted.key);
    const phase = EVENT_PHASES[counted.event];
    if (!node || last.phase <= PHASES.indexOf(phase)) return;
    const part = node.key.find(({ fact }) => fact.text === last.name)?.fact.span ?? node.name.span;
    const message = `\`${last.name}\` is not known yet when this ${node.kind} counts`;
    const help = 'count per an earlier fact such as conn.ip, or count a later event with `of`';
    report.error('PDL-H001', part, message, help, {
      label: `known ${MOMENTS[PHASES[last.phase]!]}`,
      notes: [`\`of ${counted.event}\` counts ${MOMENTS[phase]}, so it would never count anything`],
    });
  };
  for (const counter of program.counters) check(counter, origins.counters.get(counter));
  for (const limit of program.limits) check(limit, origins.limits.get(limit));
}

/** A ladder's canary chooses the TLS profile, so its key must be known by then. */
function checkCanaries({ program, origins, report }: Subject): void {
  program.sites.forEach((site, index) => {
    const canaries = (site.canaryLadder?.when ?? []).flatMap(({ yes }) =>
      yes.flatMap((atom) => {
        const { operand } = program.atoms[atom]!;
        return 'canary' in operand ? [program.canaries[operand.canary]!] : [];
      }),
    );
    for (const canary of canaries) {
      const last = latest(canary.key);
      const node = origins.sites
        .get(index)
        ?.entries.find((entry) => entry.kind === 'ladder' && entry.stage?.kind === 'canary');
      if (last.phase <= PHASES.indexOf('hello') || !node) continue;
      const message = `\`${last.name}\` is not known yet when the ladder chooses a TLS profile`;
      report.error('PDL-H001', node.span, message, 'draw the canary by an earlier fact such as conn.ip');
    }
  });
}

function phaseOf({ atoms, counters, canaries }: Program, rule: Rule): number {
  const phases = rule.when.flatMap(({ yes, no }) =>
    [...yes, ...no].map((index) => {
      const { operand } = atoms[index]!;
      if ('fact' in operand) return PHASES.indexOf(FACTS[operand.fact]!.phase);
      if ('counter' in operand) return Math.max(1, latest(counters[operand.counter]!.key).phase);
      if ('canary' in operand) return latest(canaries[operand.canary]!.key).phase;
      return 'listed' in operand ? 0 : PHASES.indexOf(FACTS[operand.of]!.phase);
    }),
  );
  return Math.max(0, ...phases);
}

/** Blocks that could be given at connect, were it not for a rule of an earlier tier. */
function checkWaiting({ program, origins, report }: Subject): void {
  const tiers = ['forbid', 'exempt', 'deny', 'pin'];
  for (const site of program.sites) {
    const rules = site.rules.map((index) => program.rules[index]!).filter((rule) => !rule.shadow);
    for (const rule of rules) {
      const node = origins.rules.get(rule);
      if (!node || rule.tier !== 'deny' || phaseOf(program, rule) > 0) continue;
      const cause = rules.find((other) => tiers.indexOf(other.tier) < 2 && phaseOf(program, other) > 0);
      if (!cause) continue;
      const moment = MOMENTS[PHASES[phaseOf(program, cause)]!];
      const message = `\`deny ${rule.name}\` cannot be given when a client connects`;
      report.info(
        'PDL-H002',
        node.name.span,
        message,
        'use `forbid`, or make the other rule ask earlier facts',
        {
          notes: [`\`${cause.tier} ${cause.name}\` may still overrule it, and is decided ${moment}`],
        },
      );
    }
  }
}
