/** A bundle in words, for `GET /v1/policy`. Secrets are named, their values never leave the process. */
import type { Bundle } from '../orchestrator/bundle.ts';

export function describeBundle({ program, imageId }: Bundle): object {
  const policyName = (index: number): string => program.policies[index]?.name ?? '';
  return {
    imageId,
    revision: program.revision,
    meta: program.meta,
    sites: program.sites.map((site) => ({
      name: site.name,
      listeners: site.listeners,
      sni: site.sni,
      score: program.scores[site.score]?.name,
      ladder: site.ladder.map(({ from, policy }) => ({ from, use: policyName(policy) })),
      rules: site.rules.map((index) => program.rules[index]?.name),
      onError: policyName(site.onError),
    })),
    policies: program.policies.map(({ name, rank, verdict, challenge }) => ({
      name,
      rank,
      ...verdict,
      challenge: challenge === null ? null : program.challenges[challenge]?.name,
    })),
    feeds: program.feeds.map(({ name, type, path, refreshMs, onStale }) => ({
      name,
      type,
      path,
      refreshMs,
      onStale,
    })),
    counters: program.counters.map(({ name }) => name),
    limits: program.limits.map(({ name }) => name),
    secrets: program.secrets.map(({ name, source }) => ({ name, source })),
  };
}
