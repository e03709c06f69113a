/**
 * What DNS says of clients, as one thread knows it: decisions use what is known by now, and what is not known is
 * asked for, to be known the next time.
 */
import type { Core } from '../core/core.ts';
import { listedRates } from '../core/listed.ts';
import { isLocalAddress } from '../intel/guards.ts';
import type { AnswerTable, Known } from '../limit/answer-table.ts';
import type { KeyHasher } from '../limit/key.ts';
import type { Feed, Program } from '../pdl/ir.ts';
import type { Bot } from '../profile/bots.ts';
import { ADDRESS_BITS, NAMESPACE } from './client-key.ts';

/** Something to find out. `ip` has 16 bytes, IPv4 as ::ffff:a.b.c.d. */
export interface Question {
  /** The zone of a DNS list to ask, or the name of a crawler that the client says it is. */
  readonly about: { readonly list: string } | { readonly bot: string };
  readonly ip: Uint8Array;
  readonly isV4: boolean;
}

/** Takes a question, or drops it when there are too many; the answer comes to the table. */
export type Ask = (question: Question) => void;

interface List {
  readonly zone: string;
  readonly onStale: Feed['onStale'];
  /** The rate that tells the core. */
  readonly rate: number;
}

/** How long an answer may be used beyond its time where the feed has no `max_age`. */
const DEFAULT_MAX_AGE_MS = 86_400_000;

/** Loads the hasher with the key of an answer. */
export function hashQuestion(hasher: KeyHasher, { about, ip }: Question): void {
  hasher.begin(NAMESPACE.answer);
  hasher.text(nameOf(about));
  hasher.ip(ip, ADDRESS_BITS);
  hasher.end();
}

export function nameOf(about: Question['about']): string {
  return 'list' in about ? `list ${about.list}` : `bot ${about.bot}`;
}

/** How long an answer of a list is kept, beyond the time that it is good for. */
export function graceMs({ onStale, maxAgeMs }: Feed): number {
  return onStale === 'keep' ? (maxAgeMs ?? DEFAULT_MAX_AGE_MS) : 0;
}

export class DnsAnswers {
  readonly #answers: AnswerTable;
  readonly #hasher: KeyHasher;
  readonly #ask: Ask;
  #lists: readonly List[] = [];

  constructor(answers: AnswerTable, hasher: KeyHasher, ask: Ask) {
    this.#answers = answers;
    this.#hasher = hasher;
    this.#ask = ask;
  }

  configure(program: Program): void {
    this.#lists = [...listedRates(program)].map(([index, rate]) => {
      const { path, onStale } = program.feeds[index]!;
      return { zone: path, onStale, rate };
    });
  }

  /** Tells the core which lists have the client's address, as far as that is known. */
  apply(core: Core, ip: Uint8Array, isV4: boolean, nowMs: number): void {
    if (this.#lists.length === 0) return;
    // why: nobody lists addresses of private networks, and asking would tell others which there are.
    const isLocal = isLocalAddress(ip);
    for (const { zone, onStale, rate } of this.#lists) {
      const known = isLocal ? NOT_LISTED : this.#known({ about: { list: zone }, ip, isV4 }, onStale, nowMs);
      if (known !== null) core.setRate(rate, known.isYes ? 1 : 0);
      // why: `on_stale empty` has a list that does not answer count as one that has nobody.
      else if (onStale === 'empty') core.setRate(rate, 0);
    }
  }

  /** Is the client the crawler that its User-Agent says? Null: that is not known yet. */
  isBot(bot: Bot, ip: Uint8Array, isV4: boolean, nowMs: number): boolean | null {
    if (isLocalAddress(ip)) return false;
    return this.#known({ about: { bot: bot.name }, ip, isV4 }, 'keep', nowMs)?.isYes ?? null;
  }

  #known(question: Question, onStale: Feed['onStale'], nowMs: number): Known | null {
    hashQuestion(this.#hasher, question);
    const known = this.#answers.get(this.#hasher, nowMs);
    if (known === null || known.isStale) this.#ask(question);
    return known?.isStale && onStale !== 'keep' ? null : known;
  }
}

const NOT_LISTED: Known = { isYes: false, isStale: false };
