/**
 * Makes deployments: compiles the policy in a batch worker, reads the certificates, and says what is
 * wrong with either. One at a time; what is in force is never touched by one that fails.
 */
import type { Config } from '../config/schema.ts';
import { remoteBots } from '../intel/bot-sources.ts';
import { loadBots } from '../intel/load-bots.ts';
import type { RemoteFeed } from '../intel/refresh.ts';
import type { FeedRefresher } from '../intel/refresher.ts';
import { loadCertificates } from '../orchestrator/certificates.ts';
import type { CompileOutcome, CompileRequest } from '../orchestrator/compile-policy.ts';
import type { Deployment } from '../orchestrator/deployment.ts';
import { changeOf, type FoundFeed } from '../orchestrator/feeds.ts';
import { hostOf } from '../orchestrator/host.ts';
import { type StapledCertificate, staplingOf } from '../orchestrator/stapling.ts';
import { missedWithoutAddon } from '../orchestrator/without-addon.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { OriginStore } from '../profile/address/origin-store.ts';
import type { BatchWork } from './batch-work.ts';
import type { ModeDesk } from './mode-desk.ts';
import type { QuestionDesk } from './question-desk.ts';

export interface Made {
  /** Null exactly when `diagnostics` holds an error. */
  readonly deployment: Deployment | null;
  readonly diagnostics: readonly Diagnostic[];
  /** Feeds that are to be kept fresh once it is in force. */
  readonly remoteFeeds: readonly RemoteFeed[];
  /** Those whose OCSP answers its policies staple. */
  readonly stapled: readonly StapledCertificate[];
}

/** Certificates, trust and revocation lists are looked at this often. */
const FILES_REFRESH_MS = 60_000;

export class Deployer {
  readonly #config: Config;
  readonly #batch: BatchWork;
  readonly #refresher: FeedRefresher;
  readonly #questions: QuestionDesk;
  readonly #origins: OriginStore;
  readonly #modes: ModeDesk;
  readonly #hasAddon: boolean;
  #epoch = 0;
  /** The feeds in force, as they were found. */
  #feeds: readonly FoundFeed[] = [];
  /** Modification times of the certificates, trust and revocation lists in force, by path. */
  #fileTimes: ReadonlyMap<string, number> = new Map();

  constructor(
    config: Config,
    batch: BatchWork,
    refresher: FeedRefresher,
    questions: QuestionDesk,
    origins: OriginStore,
    modes: ModeDesk,
    hasAddon: boolean,
  ) {
    this.#hasAddon = hasAddon;
    this.#modes = modes;
    this.#questions = questions;
    this.#config = config;
    this.#batch = batch;
    this.#refresher = refresher;
    this.#origins = origins;
  }

  /** @param quietly Nobody waits for it. */
  async make(quietly: boolean): Promise<Made> {
    const config = this.#config;
    const request: CompileRequest = {
      path: config.policy,
      host: hostOf(config),
      purpose: 'serve',
      env: { ...process.env },
      stacks: config.p0fDb,
      clients: config.clientTable,
      feeds: config.feeds,
    };
    // why: a file that changes while it is read is found to have changed.
    const certificateTimes = timesOf(config);
    const certificates = loadCertificates(config.certificates);
    const refusals = await this.#origins.refresh();
    const compile = (): Promise<unknown> =>
      quietly ? this.#batch.runQuietly(request) : this.#batch.run(request);
    let compiled = (await compile()) as CompileOutcome;
    // why: only a compiled policy says what to fetch, and what was fetched belongs into it.
    const crawlers = remoteBots(config.bots, config.file);
    const [hasFetched] = await Promise.all(
      [compiled.remoteFeeds, crawlers].map((feeds) => this.#refresher.fetchMissing(feeds)),
    );
    if (hasFetched) compiled = (await compile()) as CompileOutcome;
    const bots = loadBots({
      settings: config.bots,
      file: config.file,
      copies: config.feeds.directory,
      nowMs: Date.now(),
    });
    const remoteFeeds = [...compiled.remoteFeeds, ...crawlers];
    const diagnostics = [
      ...compiled.diagnostics,
      ...certificates.diagnostics,
      ...refusals,
      ...bots.diagnostics,
    ];
    if (!this.#hasAddon && compiled.bundle !== null) {
      diagnostics.push(...missedWithoutAddon(compiled.bundle.program, config.policy));
    }
    const isWhole = certificates.ok && !diagnostics.some(({ severity }) => severity === 'error');
    if (compiled.bundle === null || !isWhole)
      return { deployment: null, diagnostics, remoteFeeds, stapled: [] };
    const { feeds } = compiled.bundle.program;
    diagnostics.push(...(await this.#questions.test(feeds)));
    if (diagnostics.some(({ severity }) => severity === 'error')) {
      return { deployment: null, diagnostics, remoteFeeds, stapled: [] };
    }
    const { program } = compiled.bundle;
    const stapling = staplingOf(program, certificates.certificates, config.certificates);
    diagnostics.push(...stapling.diagnostics);
    this.#questions.keep(feeds);
    this.#epoch++;
    const deployment = {
      epoch: this.#epoch,
      bundle: compiled.bundle,
      certificates: certificates.certificates,
      origins: this.#origins.databases,
      modes: this.#modes.load(compiled.bundle.program),
      bots: bots.known,
    };
    this.#feeds = compiled.feeds;
    this.#fileTimes = new Map([...certificateTimes, ...compiled.trustTimes]);
    return { deployment, diagnostics, remoteFeeds, stapled: this.#hasAddon ? stapling.certificates : [] };
  }

  /** The feeds in force, as they were found. */
  get feeds(): readonly FoundFeed[] {
    return this.#feeds;
  }

  /** When the first member of a feed ends, by the feed's name. */
  get feedEnds(): ReadonlyMap<string, number> {
    return new Map(this.#feeds.flatMap(({ name, endsAt }) => (endsAt === null ? [] : [[name, endsAt]])));
  }

  /** Has a certificate, or the file of a feed or list changed since it was read? Who fetches feeds knows by itself. */
  filesChanged(): boolean {
    for (const [path, time] of this.#fileTimes) if (changeOf(path).changedAt !== time) return true;
    return this.#feeds.some(({ file }) => file !== null && changeOf(file.path).changedAt !== file.changedAt);
  }
}

/** Modification times of the certificates and keys, by path. */
function timesOf({ certificates }: Config): ReadonlyMap<string, number> {
  const files = Object.values(certificates).flatMap(({ certificate, key }) => [certificate, key]);
  return new Map(files.map((path) => [path, changeOf(path).changedAt]));
}

/** The shortest time after which one of the deployment's files is to be looked at again. */
export function refreshInterval({ bundle }: Deployment): number {
  const files = bundle.program.feeds.filter(({ source }) => source === 'file');
  return Math.min(FILES_REFRESH_MS, ...files.flatMap(({ refreshMs }) => refreshMs ?? []));
}
