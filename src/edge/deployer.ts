/**
 * Makes deployments: compiles the policy in a batch worker, reads the certificates, and says what is
 * wrong with either. One at a time; what is in force is never touched by one that fails.
 */
import { statSync } from 'node:fs';
import type { Piscina } from 'piscina';
import type { Config } from '../config/schema.ts';
import { loadCertificates } from '../orchestrator/certificates.ts';
import type { CompileOutcome, CompileRequest } from '../orchestrator/compile-policy.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';

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
  #feedTimes: ReadonlyMap<string, number> = new Map();

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
      purpose: 'serve',
      env: { ...process.env },
      stacks: config.p0fDb,
    };
    const certificates = loadCertificates(config.certificates);
    const compiled = (await this.#batch.run(request)) as CompileOutcome;
    const diagnostics = [...compiled.diagnostics, ...certificates.diagnostics];
    if (compiled.bundle === null || !certificates.ok) return { deployment: null, diagnostics };
    this.#epoch++;
    const deployment = {
      epoch: this.#epoch,
      bundle: compiled.bundle,
      certificates: certificates.certificates,
    };
    this.#feedTimes = compiled.feedTimes;
    return { deployment, diagnostics };
  }

  /** Has a feed file changed since it was read? */
  feedsChanged(): boolean {
    for (const [path, time] of this.#feedTimes) {
      if (statSync(path, { throwIfNoEntry: false })?.mtimeMs !== time) return true;
    }
    return false;
  }
}

/** The shortest time after which one of the deployment's feeds is to be looked at again; null: never. */
export function refreshInterval({ bundle }: Deployment): number | null {
  const intervals = bundle.program.feeds.flatMap(({ refreshMs }) => refreshMs ?? []);
  return intervals.length === 0 ? null : Math.min(...intervals);
}
