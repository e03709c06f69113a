/**
 * The decision engine of one thread: joins a connection's facts with history, asks the decision core,
 * and names what it answered. It never does I/O and never throws for what a client sent.
 */
import type { Core, Decision } from '../core/core.ts';
import type { KeptFacts } from '../core/kept-facts.ts';
import { SYN_WINDOW_AT } from '../core/layout.gen.ts';
import { loadTablesGradually } from '../core/load-tables.ts';
import { statusName } from '../core/status.ts';
import type { Phase, Program, Site } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import {
  NO_DATABASES,
  type Origin,
  type OriginDatabases,
  Origins,
  UNKNOWN_ORIGIN,
} from '../profile/address/origins.ts';
import { type ClientMatch, ClientMatcher } from '../profile/client-matcher.ts';
import { NO_CLIENTS } from '../profile/clients.ts';
import { type StackMatch, StackMatcher } from '../profile/stack-matcher.ts';
import { NO_STACKS } from '../profile/stacks.ts';
import type { Bundle } from './bundle.ts';
import { armsOf, canariesOf } from './canaries.ts';
import { type Client, clientAtAccept } from './client.ts';
import { clock } from './clock.ts';
import { Demands } from './demands.ts';
import { describeDecision, limitOutcome, verdictOnError, verdictWithoutSite } from './describe-verdict.ts';
import { heedExtensions } from './extension-rules.ts';
import { FACT } from './facts.ts';
import type { History } from './history.ts';
import type { LimitMoment } from './limit-moment.ts';
import { systemLoad } from './load.ts';
import { formOf } from './modes.ts';
import { SiteTable } from './sites.ts';
import { isStricter, type Verdict } from './verdict.ts';

/** What is known when a connection is accepted. */
export interface ConnectionFacts {
  readonly listener: string;
  /** 16 bytes; IPv4 as ::ffff:a.b.c.d. */
  readonly ip: Uint8Array;
  readonly isV4: boolean;
  readonly port: number;
  /** The raw IP and TCP headers of the SYN, empty when unknown. */
  readonly syn: Uint8Array | null;
  readonly rttUs: number | null;
  /** A proxy in front named the client (PROXY protocol). */
  readonly proxied: boolean;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** Open connections of this worker. */
  readonly inflight: number;
}

const PHASE = { connect: 0, hello: 1, cert: 2, request: 3 } as const;
/** A phase after the handshake. */
export type LaterPhase = 'cert' | 'request';
/** Tiers that limits come after; the stricter ones and `exempt` are above them. */
const LIMITED_TIERS: ReadonlySet<string> = new Set(['limit', 'pin', 'ladder']);
const NO_LIMITS: readonly number[] = [];

function checkTables(status: number): void {
  if (status < 0) throw new Error(`the tables were refused: ${statusName(status)}`);
}

/** The phases after the handshake in which the program reads facts or draws on limits. */
function laterPhasesOf(program: Program): ReadonlySet<Phase> {
  const phases = [
    ...program.requiredFacts.map((fact) => FACTS[fact]!.phase),
    ...program.limits.map(({ event }) => (event === 'request' ? event : 'hello')),
  ];
  return new Set(phases.filter((phase) => phase === 'cert' || phase === 'request'));
}

export class Engine {
  readonly core: Core;
  readonly #history: History;
  #bundle: Bundle | null = null;
  #sites: SiteTable = new SiteTable([]);
  /** By site: indexes of the canaries that its decision asks about. */
  #canaries: readonly (readonly number[])[] = [];
  #laterPhases: ReadonlySet<Phase> = new Set();
  #demands: Demands | null = null;
  #asked: ReadonlySet<number> = new Set();
  /** By mode, the index of its state. */
  #states: Int32Array = new Int32Array(0);
  #epoch = 0;
  /** Tables that are in the core already, for the bundle to come. */
  #prepared: Uint8Array | null = null;
  #stacks = new StackMatcher(NO_STACKS);
  #databases: OriginDatabases = NO_DATABASES;
  #origins = new Origins(NO_DATABASES);
  #clients = new ClientMatcher(NO_CLIENTS);
  /** p0f-style signature of the SYN of the connection that `begin` was last called for, or null. */
  synText: string | null = null;
  /** What that SYN tells of its sender; null without one. */
  stack: StackMatch | null = null;
  /** Where its address is from. */
  origin: Origin = UNKNOWN_ORIGIN;
  /** The program that the ClientHello tells of; null before it, and when the table does not have it. */
  tlsClient: ClientMatch | null = null;

  constructor(core: Core, history: History) {
    this.core = core;
    this.#history = history;
  }

  get program(): Program {
    return this.#loaded().program;
  }

  get bundle(): Bundle {
    return this.#loaded();
  }

  /** Grows by one with every bundle that was loaded. */
  get epoch(): number {
    return this.#epoch;
  }

  #loaded(): Bundle {
    if (!this.#bundle) throw new Error('no policy is loaded; call load() first');
    return this.#bundle;
  }

  /**
   * Loads a bundle's tables ahead of `load`, beside the connections of this thread. One bundle at a time.
   * @throws Error that names the status when the tables fail verification.
   */
  async prepare(bundle: Bundle): Promise<void> {
    checkTables(await loadTablesGradually(this.core, bundle.tables));
    this.#prepared = bundle.tables;
  }

  /**
   * Verifies and activates a bundle. On any failure the previous one stays active.
   * @throws Error that names the status when the image or the tables fail verification.
   */
  load(bundle: Bundle, epoch: number): void {
    if (this.#prepared !== bundle.tables) checkTables(this.core.loadTables(bundle.tables));
    this.#prepared = null;
    const image = this.core.loadImage(bundle.image);
    if (image < 0) throw new Error(`the policy image was refused: ${statusName(image)}`);
    if (this.#bundle?.stacks !== bundle.stacks) this.#stacks = new StackMatcher(bundle.stacks);
    if (this.#bundle?.clients !== bundle.clients) this.#clients = new ClientMatcher(bundle.clients);
    this.#bundle = bundle;
    this.#sites = new SiteTable(bundle.program.sites);
    this.#canaries = bundle.program.sites.map((site) => canariesOf(bundle.program, site));
    this.#laterPhases = laterPhasesOf(bundle.program);
    this.#demands = new Demands(this.core, bundle.program);
    this.#asked = new Set(bundle.program.requiredFacts);
    this.#states = Int32Array.from(bundle.program.modes, ({ initial }) => initial);
    this.#history.configure(bundle.program);
    this.#epoch = epoch;
  }

  /** Databases that say where addresses are from; those that stayed the same keep what was looked up. */
  useOrigins(databases: OriginDatabases): void {
    const { country, asn } = this.#databases;
    if (databases.country === country && databases.asn === asn) return;
    this.#databases = databases;
    this.#origins = new Origins(databases);
  }

  /** The states of the loaded program's modes, in memory that whoever switches them keeps up to date. */
  useModes(states: SharedArrayBuffer): void {
    this.#states = new Int32Array(states);
  }

  /** Index of the site a client comes to, in the form that the states of the modes give it; -1: no site. */
  #siteOf(listener: string, sni: string | null): number {
    const site = this.#sites.find(listener, sni);
    return site === -1 ? -1 : formOf(this.program, site, this.#states);
  }

  /** Starts a connection: forgets the last one's facts and sets those known at accept. */
  begin(facts: ConnectionFacts): void {
    const { core } = this;
    core.begin();
    core.setIp(FACT.ip, facts.ip, facts.isV4);
    core.setNumber(FACT.port, facts.port);
    core.setText(FACT.listener, facts.listener);
    core.setNumber(FACT.proxied, facts.proxied ? 1 : 0);
    this.origin = this.#origins.find(facts.ip, facts.isV4);
    const { country, asn } = this.origin;
    if (country !== null) core.setText(FACT.country, country);
    if (asn !== null) core.setNumber(FACT.asn, asn);
    core.setNumber(FACT.inflight, facts.inflight);
    this.#history.recallLists(core, facts.ip, facts.isV4, facts.nowMs);
    this.#setSystem(facts.nowMs);
    if (this.program.canaries.length > 0) this.#history.learn(core, clientAtAccept(facts, this.origin));
    if (facts.rttUs !== null) core.setNumber(FACT.rtt, facts.rttUs);
    this.synText = null;
    this.stack = null;
    this.tlsClient = null;
    if (facts.syn !== null && core.parseSyn(facts.syn) === 0) this.#setStack();
  }

  /** Sets what is true of the whole process now. */
  #setSystem(nowMs: number): void {
    const { core } = this;
    const { hour, weekday } = clock(nowMs);
    core.setNumber(FACT.now, nowMs);
    core.setNumber(FACT.hour, hour);
    core.setNumber(FACT.weekday, weekday);
    core.setNumber(FACT.load, systemLoad(nowMs));
    this.#history.setSystem(core, nowMs);
  }

  /** Sets the facts that the SYN, just read, tells of its sender. */
  #setStack(): void {
    const { core } = this;
    this.synText = core.synText;
    this.stack = this.#stacks.match(this.synText, core.synNumber(SYN_WINDOW_AT));
    const { os, family, hops, mtu, link } = this.stack;
    core.setNumber(FACT.hops, hops);
    if (os !== null) core.setText(FACT.os, os);
    if (family !== null) core.setText(FACT.osFamily, family);
    if (mtu !== null && this.#asked.has(FACT.mtu)) core.setNumber(FACT.mtu, mtu);
    if (link !== null && this.#asked.has(FACT.link)) core.setText(FACT.link, link);
  }

  /** Sets the fact that the ClientHello, just read, tells of its sender. */
  setTlsClient(ja4: string): void {
    const { core } = this;
    this.tlsClient = this.#clients.match(ja4, core.hello);
    if (this.tlsClient !== null) core.setText(FACT.client, this.tlsClient.name);
  }

  /** How the ClientHello came: the reads it took, and microseconds since accept. */
  setArrival(reads: number, completeInUs: number): void {
    this.core.setNumber(FACT.segments, reads);
    this.core.setNumber(FACT.completeIn, completeInUs);
  }

  /**
   * The verdict that is already certain before the ClientHello, or null. On a listener with several
   * sites every one of them must agree, since the name that chooses among them is not known yet.
   */
  decideConnect(facts: ConnectionFacts): Verdict | null {
    const sites = this.#sites.onListener(facts.listener);
    let agreed: Verdict | null = null;
    for (const site of sites) {
      const index = formOf(this.program, site, this.#states);
      const decision = this.core.decide(index, PHASE.connect);
      if (decision.status < 0 || !decision.final) return null;
      const verdict = this.#describe(index, decision);
      if (verdict.action.action === 'accept') return null;
      if (agreed !== null && agreed.action.action !== verdict.action.action) return null;
      agreed = verdict;
    }
    if (agreed !== null) {
      const client = clientAtAccept(facts);
      this.#history.learn(this.core, client);
      this.#history.refused(client, facts.nowMs);
    }
    return agreed;
  }

  /**
   * The verdict on a parsed ClientHello: `core.parse` must just have returned 0. Counts the hello
   * in the program's counters and draws on its limits.
   */
  decideHello(facts: ConnectionFacts, client: Client): Verdict {
    const { core, program } = this;
    const siteIndex = this.#siteOf(facts.listener, core.hello.sni);
    const site = program.sites[siteIndex];
    if (client.ja4 !== null) this.setTlsClient(client.ja4);
    if (!site) return verdictWithoutSite();
    this.#history.learn(core, client);
    this.#history.apply(core, client, facts.nowMs);
    const { nowMs } = facts;
    let verdict = this.#heedExtensions(
      this.#limited(site, this.#decideSite(siteIndex, 'hello'), 'hello', client, nowMs),
    );
    if (verdict.action.action === 'accept') {
      const limited = this.#limited(site, verdict, 'accept', client, nowMs);
      verdict = limited.policy === verdict.policy ? limited : this.#heedExtensions(limited);
    }
    if (verdict.action.action !== 'accept') this.#history.refused(client, nowMs);
    return verdict;
  }

  /** The rules on extensions belong to the TLS profile, which no phase after the hello changes. */
  #heedExtensions(verdict: Verdict): Verdict {
    if (verdict.policy?.extensions === undefined) return verdict;
    const types = this.core.readCodes(FACT.extensions);
    return types === null ? verdict : heedExtensions(verdict, types);
  }

  /** Does the policy in force ask about a fact? */
  asks(fact: number): boolean {
    return this.#asked.has(fact);
  }

  /** Does the policy in force ask about facts of a phase, so that a connection is decided about again then? */
  decidesAt(phase: LaterPhase): boolean {
    return this.#laterPhases.has(phase);
  }

  /** The facts of the connection just decided about, for `decideLater`; null when the policy asks for no later ones. */
  keep(): KeptFacts | null {
    return this.#laterPhases.size > 0 ? this.core.keep() : null;
  }

  /**
   * Decides about a connection again, by the policy that is now in force, with what a later phase brought: only the
   * action, the challenge, authentication, the upstream, limits and the log of the answer can still take effect.
   * @param before The verdict so far: what a limit demanded is not taken back.
   * @param set Gives the core the facts of the phase.
   */
  decideLater(
    phase: LaterPhase,
    kept: KeptFacts,
    connection: { readonly facts: ConnectionFacts; readonly client: Client; readonly verdict: Verdict },
    nowMs: number,
    set: (core: Core) => void,
  ): Verdict {
    const { core } = this;
    const { facts, client, verdict: before } = connection;
    core.restore(kept);
    this.#setSystem(nowMs);
    this.#history.recallLists(core, facts.ip, facts.isV4, nowMs);
    set(core);
    this.#history.learn(core, client);
    if (phase === 'request') this.#history.count('request', client, nowMs);
    this.#history.recall(core, client, nowMs);
    const siteIndex = this.#siteOf(facts.listener, client.sni);
    const site = this.program.sites[siteIndex];
    if (!site) return verdictWithoutSite();
    // why: the certificate was asked for by the policy of the hello, whatever policy it leads to.
    const later = this.#decideSite(siteIndex, phase);
    const heeded = this.#demands!.heedOfHandshake(later, PHASE[phase], before.policy);
    const verdict = this.#afterLimits(before, heeded, client, nowMs);
    return this.#limited(site, verdict, phase === 'cert' ? 'certificate' : 'request', client, nowMs);
  }

  /** A later verdict beside the one before: what a limit demanded then stays, and a policy entered now has limits. */
  #afterLimits(before: Verdict, verdict: Verdict, client: Client, nowMs: number): Verdict {
    if (before.tier === 'limit') {
      return isStricter(verdict.action, before.action)
        ? verdict
        : { ...before, score: verdict.score, parts: verdict.parts };
    }
    if (verdict.policy?.name === before.policy?.name) return verdict;
    return this.#limited(null, verdict, 'hello', client, nowMs);
  }

  /** The verdict of one site over the facts as they stand at a phase; limits are left out of account. */
  explainSite(siteIndex: number, phase: keyof typeof PHASE = 'hello'): Verdict {
    return this.#heedExtensions(this.#decideSite(siteIndex, phase));
  }

  #decideSite(siteIndex: number, phase: keyof typeof PHASE): Verdict {
    const decision = this.core.decide(siteIndex, PHASE[phase]);
    if (decision.status < 0) return verdictOnError(this.program, this.program.sites[siteIndex]!);
    return this.#demands!.heed(this.#describe(siteIndex, decision), PHASE[phase]);
  }

  /** Where a verdict's score stands between the best, 0, and the worst that its site can give, 1. */
  badnessOf(verdict: Verdict): number {
    const { sites, scores } = this.program;
    const site = sites.find(({ name }) => name === verdict.site);
    if (site === undefined) return 1;
    const { min, max } = scores[site.score]!;
    return max > min ? (verdict.score - min) / (max - min) : 0;
  }

  #describe(siteIndex: number, decision: Decision): Verdict {
    const arms = armsOf(this.core, this.program, this.#canaries[siteIndex]!);
    return describeDecision(this.program, this.program.sites[siteIndex]!, decision, arms);
  }

  /**
   * Tier 4: draws a token from each limit of the site and of the verdict's policy that is drawn on at this moment; the
   * strictest outcome wins. @param site Null: the limits of the policy alone.
   */
  #limited(site: Site | null, verdict: Verdict, moment: LimitMoment, client: Client, nowMs: number): Verdict {
    const { program } = this;
    const own = verdict.policy?.limits ?? NO_LIMITS;
    const ofSite = site?.limits ?? NO_LIMITS;
    if (ofSite.length + own.length === 0 || !LIMITED_TIERS.has(verdict.tier)) return verdict;
    let result = verdict;
    for (const index of new Set([...ofSite, ...own])) {
      if (this.#history.isWithin(index, moment, client, nowMs)) continue;
      const next = limitOutcome(program, verdict, index);
      const matched = [...result.matched, program.limits[index]!.name];
      result = { ...(isStricter(result.action, next.action) ? result : next), matched };
    }
    return result;
  }
}
