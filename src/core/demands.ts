/**
 * What policies demand with `ensure`, in the terms of the decision core: behind the sites of the program comes one for
 * each policy with demands, whose rules are the demands. Such a site is never chosen; it is asked which rules hold.
 */
import type { Condition, Ensure, Policy, Program, Rule } from '../pdl/ir.ts';

/** The rules of a policy's site: one that holds when a demand is violated, one that holds when it is met. */
export interface DemandRules {
  readonly ensure: Ensure;
  readonly violated: number;
  /** Only of demands on the client's certificate. */
  readonly met: number | null;
}

export interface DemandSite {
  readonly siteIndex: number;
  readonly demands: readonly DemandRules[];
}

/** The site of each policy that demands something; those on its client's certificate come first. */
export function demandSites(program: Program): ReadonlyMap<Policy, DemandSite> {
  const sites = new Map<Policy, DemandSite>();
  let rule = program.rules.length;
  for (const policy of program.policies) {
    const demands: DemandRules[] = [
      ...(policy.clientCert?.ensure ?? []).map((ensure) => ({ ensure, violated: rule++, met: rule++ })),
      ...(policy.ensure ?? []).map((ensure) => ({ ensure, violated: rule++, met: null })),
    ];
    if (demands.length > 0) sites.set(policy, { siteIndex: program.sites.length + sites.size, demands });
  }
  return sites;
}

/** The program with those sites; the same one when nothing is demanded. */
export function withDemands(program: Program): Program {
  const sites = demandSites(program);
  if (sites.size === 0) return program;
  const rule = ({ otherwise, span }: Ensure, when: Condition): Rule => {
    return { name: 'ensure', tier: 'deny', when, outcome: otherwise, span };
  };
  const all = [...sites.values()].flatMap(({ demands }) => demands);
  const score = { name: 'none', min: 0, max: 1, groups: [], signals: [] };
  return {
    ...program,
    scores: [...program.scores, score],
    rules: [
      ...program.rules,
      ...all.flatMap(({ ensure, met }) => [
        rule(ensure, ensure.violated),
        ...(met === null ? [] : [rule(ensure, ensure.met)]),
      ]),
    ],
    sites: [
      ...program.sites,
      ...[...sites].map(([policy, { demands }]) => ({
        name: policy.name,
        listeners: [],
        sni: 'none' as const,
        score: program.scores.length,
        ladder: [{ from: 0, policy: program.policies.indexOf(policy) }],
        rules: demands.flatMap(({ violated, met }) => (met === null ? [violated] : [violated, met])),
        limits: [],
        onError: program.policies.indexOf(policy),
      })),
    ],
  };
}
