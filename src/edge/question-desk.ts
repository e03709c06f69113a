/** Answers what workers want to find out, on the main thread; answers go to the memory that they share. */
import { DnsClient } from '../intel/dns-client.ts';
import { type DnsAnswer, DnsList, type DnsListHealth } from '../intel/dns-list.ts';
import type { AnswerTable } from '../limit/answer-table.ts';
import type { KeyHasher } from '../limit/key.ts';
import { graceMs, hashQuestion, type Question } from '../orchestrator/answers.ts';
import { feedProblem } from '../orchestrator/feeds.ts';
import type { Tables } from '../orchestrator/shared-tables.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import type { Feed } from '../pdl/ir.ts';

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

  health(): readonly DnsListHealth[] {
    return [...this.#lists.values()].map(({ health }) => health);
  }

  close(): void {
    for (const list of this.#lists.values()) list.close();
    this.#client.close();
  }

  async #answer(question: Question): Promise<void> {
    const list = this.#lists.get(question.zone);
    const key = `${question.zone} ${Buffer.from(question.ip).toString('latin1')}`;
    if (list === undefined || this.#open.has(key) || this.#open.size >= MAX_OPEN) return;
    this.#open.add(key);
    try {
      const answer = await list.ask(question.ip, question.isV4);
      if (answer === null) return;
      const now = Date.now();
      const fresh = now + answer.lifetimeMs;
      hashQuestion(this.#hasher, question);
      this.#answers.set(this.#hasher, answer.isListed, fresh, fresh + graceMs(list.feed), now);
    } finally {
      this.#open.delete(key);
    }
  }
}

function sameList(a: Feed, b: Feed): boolean {
  return (
    a.name === b.name && a.refreshMs === b.refreshMs && a.maxAgeMs === b.maxAgeMs && a.onStale === b.onStale
  );
}
