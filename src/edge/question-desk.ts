/** Answers what workers want to find out, on the main thread; answers go to the memory that they share. */
import { type BotCounts, confirmBot } from '../intel/confirm-bot.ts';
import { DnsClient } from '../intel/dns-client.ts';
import { type DnsAnswer, DnsList, type DnsListHealth } from '../intel/dns-list.ts';
import type { AnswerTable } from '../limit/answer-table.ts';
import type { KeyHasher } from '../limit/key.ts';
import { graceMs, hashQuestion, nameOf, type Question } from '../orchestrator/answers.ts';
import { feedProblem } from '../orchestrator/feeds.ts';
import type { Tables } from '../orchestrator/shared-tables.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { Feed } from '../pdl/ir.ts';
import { BOTS } from '../profile/bots.ts';

/** What was found out, and how long it is good and may be used beyond that. */
interface Found {
  readonly isYes: boolean;
  readonly lifetimeMs: number;
  readonly graceMs: number;
}

/** Addresses of crawlers stay theirs for long; one that is denied may be new. */
const CONFIRMED_MS = 86_400_000;
const DENIED_MS = 3_600_000;
/** Questions that are being answered, at most. */
const MAX_OPEN = 2_048;

export class QuestionDesk {
  readonly #client: DnsClient;
  readonly #answers: AnswerTable;
  readonly #hasher: KeyHasher;
  /** By zone. */
  readonly #lists = new Map<string, DnsList>();
  /** Keys of questions under way: several workers may ask the same. */
  readonly #open = new Set<string>();
  readonly #bots = { confirmed: 0, denied: 0, failed: 0 };

  /** @param servers Resolvers; none: the system's. */
  constructor(servers: readonly string[], { answers, hasher }: Pick<Tables, 'answers' | 'hasher'>) {
    this.#client = new DnsClient(servers);
    this.#answers = answers;
    this.#hasher = hasher;
  }

  /**
   * Tests the DNS lists of a policy that is to be put in force, those that are new.
   * @returns What is wrong with them: an error where the policy demands a list that works.
   */
  async test(feeds: readonly Feed[]): Promise<Diagnostic[]> {
    const lists = feeds.filter(({ source }) => source === 'dnsbl').map((feed) => this.#listOf(feed));
    await Promise.all(lists.map((list) => (list.isTested ? null : list.check())));
    return lists.flatMap(({ feed, health: { problem } }) => {
      if (problem === null) return [];
      const message = `DNS list ${feed.name} (${feed.path}) cannot be believed: ${problem}`;
      const severity = feed.onStale === 'fail' ? 'error' : 'warning';
      return [
        feedProblem(feed, 'FEED-009', 1, message, 'correct the zone or the resolver, or remove it', severity),
      ];
    });
  }

  /** Lets go of lists that the policy now in force does not have. */
  keep(feeds: readonly Feed[]): void {
    for (const [zone, list] of this.#lists) {
      if (feeds.some((feed) => feed.source === 'dnsbl' && feed.path === zone)) continue;
      list.close();
      this.#lists.delete(zone);
    }
  }

  #listOf(feed: Feed): DnsList {
    const known = this.#lists.get(feed.path);
    if (known !== undefined && sameList(known.feed, feed)) return known;
    known?.close();
    const list = new DnsList(feed, this.#client);
    this.#lists.set(feed.path, list);
    return list;
  }

  answer(questions: readonly Question[]): void {
    for (const question of questions) void this.#answer(question);
  }

  /** Asks every list about an address now; null stands for a list that does not tell. */
  async lookUp(ip: Uint8Array, isV4: boolean): Promise<ReadonlyMap<Feed, DnsAnswer | null>> {
    const lists = [...this.#lists.values()];
    const answers = await Promise.all(lists.map((list) => list.ask(ip, isV4)));
    return new Map(lists.map(({ feed }, index) => [feed, answers[index]!]));
  }

  /** Crawlers that were looked up since the start. */
  get bots(): BotCounts {
    return this.#bots;
  }

  health(): readonly DnsListHealth[] {
    return [...this.#lists.values()].map(({ health }) => health);
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
    this.#client.close();
  }

  async #answer(question: Question): Promise<void> {
    const key = `${nameOf(question.about)} ${Buffer.from(question.ip).toString('latin1')}`;
    if (this.#open.has(key) || this.#open.size >= MAX_OPEN) return;
    this.#open.add(key);
    try {
      const { about } = question;
      const found =
        'list' in about ? await this.#askList(about.list, question) : await this.#askBot(about.bot, question);
      if (found === null) return;
      const now = Date.now();
      const fresh = now + found.lifetimeMs;
      hashQuestion(this.#hasher, question);
      this.#answers.set(this.#hasher, found.isYes, fresh, fresh + found.graceMs, now);
    } finally {
      this.#open.delete(key);
    }
  }

  async #askList(zone: string, { ip, isV4 }: Question): Promise<Found | null> {
    const list = this.#lists.get(zone);
    const answer = list === undefined ? null : await list.ask(ip, isV4);
    if (answer === null) return null;
    return { isYes: answer.isListed, lifetimeMs: answer.lifetimeMs, graceMs: graceMs(list!.feed) };
  }

  /** Null when DNS does not tell: another request of the client asks again. */
  async #askBot(name: string, { ip, isV4 }: Question): Promise<Found | null> {
    const bot = BOTS.find((each) => each.name === name);
    if (bot === undefined) return null;
    try {
      const isYes = await confirmBot(this.#client, bot, ip, isV4);
      this.#bots[isYes ? 'confirmed' : 'denied']++;
      return { isYes, lifetimeMs: isYes ? CONFIRMED_MS : DENIED_MS, graceMs: isYes ? CONFIRMED_MS : 0 };
    } catch {
      this.#bots.failed++;
      return null;
    }
  }
}

function sameList(a: Feed, b: Feed): boolean {
  return (
    a.name === b.name && a.refreshMs === b.refreshMs && a.maxAgeMs === b.maxAgeMs && a.onStale === b.onStale
  );
}
