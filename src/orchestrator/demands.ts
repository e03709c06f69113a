/** Heeds what the policy of a connection demands with `ensure`. */
import type { Core } from '../core/core.ts';
import { type DemandRules, type DemandSite, demandSites } from '../core/demands.ts';
import type { Policy, Program } from '../pdl/ir.ts';
import { factIndex } from './facts.ts';
import type { Verdict } from './verdict.ts';

/** A phase as the decision core numbers it. */
type CorePhase = 0 | 1 | 2 | 3;

const PRESENT = factIndex('cert.present');

export class Demands {
  readonly #core: Core;
  readonly #sites: ReadonlyMap<Policy, DemandSite>;

  constructor(core: Core, program: Program) {
    this.#core = core;
    this.#sites = demandSites(program);
  }

  /** The verdict once its policy has what it demands; facts that are not known violate nothing. */
  heed(verdict: Verdict, phase: CorePhase): Verdict {
    return this.#heed(verdict, phase, verdict.policy, false);
  }

  /**
   * The verdict once the policy of the handshake has what it demands of a connection whose certificate, if it has one, is
   * known: what that does not show is not met.
   */
  heedOfHandshake(verdict: Verdict, phase: CorePhase, policy: Policy | null): Verdict {
    return this.#heed(verdict, phase, policy, this.#core.readNumber(PRESENT) === 1);
  }

  /** The first demand that is not met decides. */
  #heed(verdict: Verdict, phase: CorePhase, policy: Policy | null, hasCertificate: boolean): Verdict {
    const site = policy === null ? undefined : this.#sites.get(policy);
    if (site === undefined || verdict.action.action !== 'accept') return verdict;
    const { status, matchedRules } = this.#core.decide(site.siteIndex, phase);
    const isUnmet = ({ violated, met }: DemandRules): boolean =>
      matchedRules.includes(violated) || (hasCertificate && met !== null && !matchedRules.includes(met));
    // why: a core that cannot answer has answered nothing, so no demand counts as met.
    const unmet = status < 0 ? site.demands[0] : site.demands.find(isUnmet);
    if (unmet === undefined) return verdict;
    const { otherwise, text } = unmet.ensure;
    const matched = [...verdict.matched, `ensure ${text}`];
    return { ...verdict, action: otherwise, tier: 'ensure', matched, challenge: null, difficulty: 0 };
  }
}
