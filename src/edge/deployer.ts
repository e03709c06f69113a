/**
 * Makes deployments: compiles the policy in a batch worker, reads the certificates, and says what is
 * wrong with either. One at a time; what is in force is never touched by one that fails.
 */
import { statSync } from 'node:fs';
import type Piscina from 'piscina';
import type { Config } from '../config/schema.ts';
import { loadCertificates } from '../orchestrator/certificates.ts';
import type { CompileOutcome, CompileRequest } from '../orchestrator/compile-policy.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import { feedPath } from '../orchestrator/feeds.ts';
import type { Diagnostic } from '../pdl/diagnostic.ts';

export interface Made {
  /** Null exactly when `diagnostics` holds an error. */
  readonly deployment: Deployment | null;
  readonly diagnostics: readonly Diagnostic[];
}

export class Deployer {
  readonly #config: Config;
  readonly #batch: Piscina;
  #epoch = 0;
  /** Modification times of the feeds in force, by path. */
  #feedTimes = new Map<string, number>();

  constructor(config: Config, batch: Piscina) {
    this.#config = config;
    this.#batch = batch;
  }

  async make(): Promise<Made> {
    const config = this.#config;
    const request: CompileRequest = {
      path: config.policy,
      host: {
        listeners: config.listeners.map(({ name }) => name),
        certificates: Object.keys(config.certificates),
      },
      withSecrets: true,
      env: { ...process.env },
    };
    const certificates = loadCertificates(config.certificates);
    const compiled = (await this.#batch.run(request)) as CompileOutcome;
    const diagnostics = [...compiled.diagnostics, ...certificates.diagnostics];
    if (compiled.bundle === null || !certificates.ok) return { deployment: null, diagnostics };
    this.#epoch++;
    const deployment = { epoch: this.#epoch, bundle: compiled.bundle, certificates: certificates.certificates };
    this.#feedTimes = feedTimes(deployment);
    return { deployment, diagnostics };
  }

  /** Has a feed file changed since it was read? */
  feedsChanged(deployment: Deployment): boolean {
    for (const [path, time] of feedTimes(deployment)) if (this.#feedTimes.get(path) !== time) return true;
    return false;
  }
}

function feedTimes({ bundle }: Deployment): Map<string, number> {
  const times = new Map<string, number>();
  for (const feed of bundle.program.feeds) {
    const path = feedPath(feed);
    times.set(path, statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -1);
  }
  return times;
}

/** The shortest time after which one of the deployment's feeds is to be looked at again; null: never. */
export function refreshInterval({ bundle }: Deployment): number | null {
  const intervals = bundle.program.feeds.flatMap(({ refreshMs }) => refreshMs ?? []);
  return intervals.length === 0 ? null : Math.min(...intervals);
}
