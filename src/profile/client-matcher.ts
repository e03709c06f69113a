/** Finds the program that sent a ClientHello in the table of TLS clients, by its JA4. */
import type { ClientKind, ClientRow, ClientTable } from './clients.ts';
import { Generations } from './generations.ts';
import { stablePart } from './stable.ts';

/**
 * How sure a match is. `exact`: the version, suites, extensions and signature algorithms of a row; `variant`: but for
 * what depends on the single connection; `suites` and `extensions`: only those are a row's, as with another release or
 * other settings.
 */
export type MatchLevel = 'exact' | 'variant' | 'suites' | 'extensions';

/** What a ClientHello tells of its sender. */
export interface ClientMatch {
  /** The program; the TLS library where the hello is one that several programs send. */
  readonly name: string;
  readonly kind: ClientKind;
  /** Versions of the rows that fit, `120` or `120-142`; null when unknown or of a library. */
  readonly versions: string | null;
  readonly library: string | null;
  readonly level: MatchLevel;
  /** Names of all programs that send it. */
  readonly candidates: readonly string[];
}

/** Different hellos that are remembered: twice as many at most. */
const KNOWN = 4_096;
/** Different hellos that must agree on a program, other than a browser, to tell it by a resemblance. */
const MIN_ALIKE = 2;
const MAX_EXTENSIONS_APART = 2;
/** A list with fewer suites is too common to tell a program by. */
const MIN_SUITES = 8;

export class ClientMatcher {
  /** By version, suites, extensions and signature algorithms. */
  readonly #exact = new Map<string, ClientRow[]>();
  /** By the same without what passes. */
  readonly #stable = new Map<string, ClientRow[]>();
  /** By version and suites; by version, extensions and signature algorithms. */
  readonly #suites = new Map<string, ClientRow[]>();
  readonly #extensions = new Map<string, ClientRow[]>();
  readonly #own: ReadonlySet<ClientRow>;
  readonly #answers = new Generations<string, ClientMatch | null>(KNOWN);

  constructor({ rows, own }: ClientTable) {
    this.#own = new Set(own);
    const named = new Set(own.map(({ ja4 }) => programKey(ja4)));
    for (const row of [...own, ...rows.filter(({ ja4 }) => !named.has(programKey(ja4)))]) {
      const { ja4, stable } = row;
      add(this.#exact, programKey(ja4), row);
      if (stable !== null) add(this.#stable, stableKey(ja4, stable), row);
      // What a scanner sends is made to resemble others.
      if (suiteCount(ja4) < MIN_SUITES || row.kind === 'scanner') continue;
      add(this.#suites, suitesKey(ja4), row);
      if (stable !== null) add(this.#extensions, extensionsKey(ja4, stable), row);
    }
  }

  /** The JA4_r is only read of a hello that is not known yet. */
  match(ja4: string, hello: { readonly ja4r: string }): ClientMatch | null {
    const known = this.#answers.get(ja4);
    if (known !== undefined) return known;
    const match = this.matchStable(ja4, stablePart(hello.ja4r));
    this.#answers.set(ja4, match);
    return match;
  }

  /** As `match`, for a hello whose stable part is known; nothing is remembered. */
  matchStable(ja4: string, stable: string): ClientMatch | null {
    const exact = this.#exact.get(programKey(ja4)) ?? [];
    const variants = this.#stable.get(stableKey(ja4, stable)) ?? [];
    // Padding and the like are no trait of a program, so that rows without them count too; an operator's row stands alone.
    const rows = exact.some((row) => this.#own.has(row)) ? exact : [...new Set([...exact, ...variants])];
    if (rows.length > 0) return summarize(rows, ja4, exact.length > 0 ? 'exact' : 'variant', exact);
    if (suiteCount(ja4) < MIN_SUITES) return null;
    const byExtensions = similar(this.#extensions.get(extensionsKey(ja4, stable)) ?? [], 'extensions');
    const sameSuites = this.#suites.get(suitesKey(ja4))?.filter((row) => isNear(row.ja4, ja4));
    const bySuites = similar(sameSuites ?? [], 'suites');
    if (byExtensions === null || bySuites === null) return byExtensions ?? bySuites;
    return byExtensions.name === bySuites.name ? byExtensions : null;
  }
}

function add(index: Map<string, ClientRow[]>, key: string, row: ClientRow): void {
  const same = index.get(key);
  if (same) same.push(row);
  else index.set(key, [row]);
}

/**
 * Protocol, version, suites, extensions and signature algorithms of a JA4 such as `t13d1516h2_8daaf6152771_02713d6af862`,
 * without what the destination and the counts add.
 */
export const programKey = (ja4: string): string => ja4.slice(0, 3) + ja4.slice(10);
const suitesKey = (ja4: string): string => ja4.slice(0, 3) + ja4.slice(10, 23);
const stableKey = (ja4: string, stable: string): string => `${suitesKey(ja4)}_${stable}`;
const extensionsKey = (ja4: string, stable: string): string => `${ja4.slice(0, 3)}_${stable}`;
const suiteCount = (ja4: string): number => Number(ja4.slice(4, 6));
const protocols = (ja4: string): string => ja4.slice(8, 10);
/** Without server_name and ALPN. */
const extensionCount = (ja4: string): number =>
  Number(ja4.slice(6, 8)) - (ja4[3] === 'd' ? 1 : 0) - (protocols(ja4) === '00' ? 0 : 1);
/** Releases of a program add an extension or two; programs that share suites differ in more. */
const isNear = (one: string, other: string): boolean =>
  Math.abs(extensionCount(one) - extensionCount(other)) <= MAX_EXTENSIONS_APART;

/** Rows that only resemble the hello count when all are of one program, or at least of one library. */
function similar(rows: readonly ClientRow[], level: MatchLevel): ClientMatch | null {
  const match = rows.length === 0 ? null : nameOf(rows, rows, level);
  if (match === null) return null;
  // Other versions than those of the table are what it is about.
  if (match.kind === 'browser' || rows.length >= MIN_ALIKE) return { ...match, versions: null };
  const { library } = match;
  return library === null ? null : { ...match, name: library, kind: 'library', versions: null };
}

/** One answer for the rows that fit; versions are those of `best`, if it has any. */
function summarize(
  rows: readonly ClientRow[],
  ja4: string,
  level: MatchLevel,
  best: readonly ClientRow[],
): ClientMatch | null {
  // The protocols a program offers tell programs of one library apart.
  const alike = rows.filter((row) => protocols(row.ja4) === protocols(ja4));
  const match = nameOf(alike.length > 0 ? alike : rows, rows, level);
  if (match === null || match.versions === null) return match;
  return { ...match, versions: span(best.filter(({ name }) => name === match.name)) ?? match.versions };
}

/** What rows have in common: the program, else the library, else nothing. */
function nameOf(
  rows: readonly ClientRow[],
  all: readonly ClientRow[],
  level: MatchLevel,
): ClientMatch | null {
  const candidates = [...new Set(all.map(({ name }) => name))];
  const name = common(rows.map((row) => row.name));
  const library = common(rows.map((row) => row.library));
  if (name !== null) return { name, kind: rows[0]!.kind, versions: span(rows), library, level, candidates };
  if (library === null) return null;
  return { name: library, kind: 'library', versions: null, library, level, candidates };
}

function common(values: readonly (string | null)[]): string | null {
  return values.every((value) => value === values[0]) ? (values[0] ?? null) : null;
}

/** From the lowest to the highest version of the rows. */
function span(rows: readonly ClientRow[]): string | null {
  return widen(rows.map(({ versions }) => versions));
}

/** One range over several, such as `120` and `124-130`; null when none is known. */
export function widen(ranges: readonly (string | null)[]): string | null {
  const ends = ranges.flatMap((range) => range?.split('-') ?? []).sort(compareVersions);
  const [low] = ends;
  const high = ends.at(-1);
  if (low === undefined || high === undefined) return null;
  return low === high ? low : `${low}-${high}`;
}

/** By their numbers: 9 is before 10, and 3 before 3.1. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = Number(left[at] ?? -1) - Number(right[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}
