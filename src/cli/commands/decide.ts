/** `sallyport decide`: what a policy decides about clients described in JSON, each on its own. */
import { Core } from '../../core/core.ts';
import { loadCoreModule } from '../../core/module.ts';
import { statusName } from '../../core/status.ts';
import type { Bundle } from '../../orchestrator/bundle.ts';
import { type Client, clientAtAccept, clientAtHello } from '../../orchestrator/client.ts';
import { compilePolicyFile } from '../../orchestrator/compile-policy.ts';
import { type ConnectionFacts, Engine } from '../../orchestrator/engine.ts';
import { setFact } from '../../orchestrator/fact-values.ts';
import { History } from '../../orchestrator/history.ts';
import { parseIp } from '../../orchestrator/ip.ts';
import { memoryOfOne } from '../../orchestrator/shared-tables.ts';
import { SiteTable } from '../../orchestrator/sites.ts';
import type { Verdict } from '../../orchestrator/verdict.ts';
import { NO_DATABASES, type OriginDatabases } from '../../profile/address/origins.ts';
import { type DatabaseFlags, openDatabases } from '../databases.ts';
import { CliError, EXIT } from '../exit.ts';
import { type Answer, answerLines, failure, parseHex, parseObject } from '../lines.ts';
import { printDiagnostics } from '../output.ts';
import { formOf, isProtocol } from './inspect.ts';

/** Tables beside the policy that facts are told by. */
export interface TableFlags extends DatabaseFlags {
  readonly clientTable?: string;
}

const UNSPECIFIED = '0.0.0.0';

/** Exit code 1 when the policy has errors, or a line was in error unless `jsonl`. */
export async function decide(
  policy: string,
  site: string | null,
  jsonl: boolean,
  tables: TableFlags = {},
): Promise<number> {
  const desk = openDesk(policy, site, openDatabases(tables), tables.clientTable);
  if (desk === null) return EXIT.problem;
  const pretty = !jsonl && process.stdout.isTTY === true;
  const failed = await answerLines((line) => desk.answer(line), { pretty });
  return failed > 0 && !jsonl ? EXIT.problem : EXIT.ok;
}

/** Null, and the errors are shown, when the policy cannot be used. @throws CliError when it has no such site. */
export function openDesk(
  policy: string,
  site: string | null,
  databases: OriginDatabases,
  clientTable: string | null = null,
): DecisionDesk | null {
  const { bundle, diagnostics, sources } = compilePolicyFile({
    path: policy,
    host: null,
    purpose: 'check',
    env: process.env,
    clients: clientTable,
  });
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  printDiagnostics(errors, sources, 'human');
  return bundle && new DecisionDesk(bundle, site, databases);
}

/** Decides one described client after the other; none leaves anything behind for the next. */
export class DecisionDesk {
  readonly #bundle: Bundle;
  readonly #engine: Engine;
  readonly #history: History;
  readonly #sites: SiteTable;
  /** Index of the site asked for, or -1: by listener and server name. */
  readonly #site: number;

  /** @throws CliError when the policy has no site of that name. */
  constructor(bundle: Bundle, site: string | null, databases: OriginDatabases = NO_DATABASES) {
    const { sites } = bundle.program;
    this.#bundle = bundle;
    this.#site = site === null ? -1 : sites.findIndex(({ name }) => name === site);
    if (site !== null && this.#site === -1) {
      throw new CliError(
        `there is no site called ${site}; there are ${sites.map(({ name }) => name).join(', ')}`,
      );
    }
    this.#sites = new SiteTable(sites);
    this.#history = new History(memoryOfOne());
    this.#engine = new Engine(new Core(loadCoreModule()), this.#history);
    this.#engine.load(bundle, 1);
    this.#engine.useOrigins(databases);
  }

  /** `line` is `{hello, ip, syn?, time?, proto?, facts?, rates?}`. */
  answer(line: string): Answer {
    const input = parseObject(line);
    return input === null ? failure('bad_input', 'the line is not a JSON object') : this.answerTo(input);
  }

  /** `answer` for an object. */
  answerTo(input: Record<string, unknown>): Answer {
    const facts = this.#connectionFacts(input);
    if (typeof facts === 'string') return failure('bad_input', facts);
    const engine = this.#engine;
    engine.begin(facts);
    if (input.hello !== undefined) {
      const problem = this.#parse(input.hello, input.proto ?? 'tls');
      if (problem !== null) return problem;
    }
    return this.#decide(input, facts);
  }

  #connectionFacts(input: Record<string, unknown>): ConnectionFacts | string {
    const address =
      typeof (input.ip ?? UNSPECIFIED) === 'string' ? parseIp((input.ip as string) ?? UNSPECIFIED) : null;
    if (address === null) return '`ip` is not an address';
    const syn = input.syn === undefined || input.syn === null ? null : parseHex(input.syn);
    if (syn === null && typeof input.syn === 'string') return '`syn` must be hex digits';
    const nowMs = input.time === undefined ? Date.now() : Date.parse(String(input.time));
    if (Number.isNaN(nowMs)) return '`time` is not an ISO 8601 time';
    const { sites } = this.#bundle.program;
    const given = (input.facts as Record<string, unknown> | undefined)?.['conn.listener'];
    const listener = typeof given === 'string' ? given : (sites[Math.max(0, this.#site)]?.listeners[0] ?? '');
    return { listener, ...address, port: 0, syn, rttUs: null, proxied: false, nowMs, inflight: 0 };
  }

  #parse(hello: unknown, proto: unknown): Answer | null {
    const bytes = parseHex(hello);
    if (bytes === null) return failure('bad_input', '`hello` must be hex digits');
    if (!isProtocol(proto)) return failure('bad_input', '`proto` is tls, dtls or quic');
    const status = this.#engine.core.parse(bytes, 0, bytes.length, formOf(bytes), proto);
    if (status === 0) return null;
    if (status > 0) return failure('hello_truncated', 'the ClientHello is not complete');
    return failure(statusName(status), 'the ClientHello cannot be read');
  }

  #decide(input: Record<string, unknown>, facts: ConnectionFacts): Answer {
    const engine = this.#engine;
    const { core } = engine;
    const hello = input.hello === undefined ? null : core.hello;
    const client =
      hello === null ? clientAtAccept(facts, engine.origin) : clientAtHello(facts, hello, engine.origin);
    const asked = (input.facts as Record<string, unknown> | undefined)?.['hello.sni'];
    const sni = typeof asked === 'string' ? asked : client.sni;
    const site = this.#site === -1 ? this.#sites.find(facts.listener, sni) : this.#site;
    if (client.ja4 !== null) engine.setTlsClient(client.ja4);
    if (site === -1) return failure('no_site', 'no site of the policy claims this listener and server name');
    this.#history.learn(core, client);
    this.#history.apply(core, client, facts.nowMs);
    const problem = this.#override(input);
    if (problem !== null) return failure('bad_input', problem);
    return this.#report(engine.explainSite(site), client);
  }

  #override(input: Record<string, unknown>): string | null {
    const { core } = this.#engine;
    for (const [name, value] of Object.entries((input.facts as object | undefined) ?? {})) {
      const problem = setFact(core, name, value);
      if (problem !== null) return problem;
    }
    for (const [name, value] of Object.entries((input.rates as object | undefined) ?? {})) {
      const index = this.#bundle.program.counters.findIndex((counter) => counter.name === name);
      if (index === -1) return `there is no counter called ${name}`;
      if (typeof value !== 'number' || !(value >= 0)) return `the rate of ${name} must be events per second`;
      core.setRate(index, Math.floor(value * 1e6));
    }
    return null;
  }

  #report(verdict: Verdict, client: Client): Answer {
    return {
      site: verdict.site,
      policy: verdict.policy?.name ?? null,
      action: verdict.action.action,
      tier: verdict.tier,
      score: verdict.score,
      parts: verdict.parts,
      matched: verdict.matched,
      canary: verdict.canaries,
      would_match: verdict.wouldMatch,
      would_decide: verdict.shadow,
      challenge: verdict.challenge?.name ?? null,
      difficulty: verdict.challenge === null ? null : verdict.difficulty,
      country: client.origin.country,
      asn: client.origin.asn,
      ja3_hash: client.ja3,
      ja4: client.ja4,
      client: this.#engine.tlsClient?.name ?? null,
      image: this.#bundle.imageId,
    };
  }
}
