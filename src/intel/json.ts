/** Feeds in JSON: a path into any document, Spamhaus DROP, MISP, STIX 2.1, CrowdSec decisions. */
import { type FeedContent, FeedFormatError } from './content.ts';
import { eachLine } from './lines.ts';
import { type Contents, entryOf, type FeedType } from './member.ts';
import type { FeedOptions } from './settings.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function parse(text: string, line = 1): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new FeedFormatError('this is not JSON', line);
  }
}

/** A member of an object; undefined for anything else. */
function get(value: Json | undefined, key: string): Json | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject && Object.hasOwn(value, key) ? (value as Record<string, Json>)[key] : undefined;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** Keeps what is of the feed's type: these formats mix addresses, names and hashes. */
class Mixed {
  readonly members: string[] = [];
  readonly lines: number[] = [];
  readonly expires: number[] = [];
  readonly bad: number[] = [];
  readonly #contents: Contents;

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  add(value: Json | undefined, expires = Number.POSITIVE_INFINITY, score?: number): void {
    const member = typeof value === 'string' ? entryOf(this.#contents, value, score) : null;
    if (member === null) return;
    this.members.push(member);
    this.expires.push(expires);
  }
}

/** Steps from values along a path: keys joined by dots, `*` for each. */
function follow(values: readonly Json[], keys: readonly string[]): readonly Json[] {
  return keys.reduce<readonly Json[]>(
    (found, key) =>
      found.flatMap((value): readonly Json[] => {
        if (key !== '*') return get(value, key) === undefined ? [] : [get(value, key)!];
        return Array.isArray(value) ? value : typeof value === 'object' && value ? Object.values(value) : [];
      }),
    values,
  );
}

/** Every string or number that `path` leads to; without one, every element of a list. */
export function readJson(text: string, contents: Contents, { path, score }: FeedOptions): FeedContent {
  const keys = path === undefined ? ['*'] : path.split('.');
  const root = parse(text);
  if (contents.toScore !== undefined) return readScores(root, contents, keys, path, score);
  const values = follow([root], keys);
  const members: string[] = [];
  const bad: number[] = [];
  for (const value of values) {
    const member = entryOf(contents, textOf(value, path));
    if (member === null) bad.push(members.length);
    members.push(member ?? String(value));
  }
  if (values.length === 0 && path !== undefined) throw new FeedFormatError(`${path} leads to nothing`);
  return { members, lines: [], bad };
}

function textOf(value: Json | undefined, path: string | undefined): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  throw new FeedFormatError(`${path ?? 'the document'} leads to something that is no text or number`);
}

/** `{ "203.0.113.7": 85, … }`, or objects that hold a member at the last key of `path` and its score at `score`. */
function readScores(
  root: Json,
  contents: Contents,
  keys: readonly string[],
  path: string | undefined,
  score: FeedOptions['score'],
): FeedContent {
  const members: string[] = [];
  const bad: number[] = [];
  const add = (value: string, points: string | number): void => {
    const member = entryOf(contents, value, points);
    if (member === null) bad.push(members.length);
    members.push(member ?? value);
  };
  if (score === undefined) {
    const [table] = path === undefined ? [root] : follow([root], keys);
    if (typeof table !== 'object' || table === null || Array.isArray(table)) {
      throw new FeedFormatError('scores are read from an object by member, or where `score` says');
    }
    for (const [value, points] of Object.entries(table)) add(value, textOf(points, path));
    return { members, lines: [], bad };
  }
  const holders = follow([root], keys.slice(0, -1));
  for (const holder of holders) {
    add(textOf(get(holder, keys.at(-1)!), path), textOf(get(holder, String(score)), String(score)));
  }
  if (holders.length === 0 && path !== undefined) throw new FeedFormatError(`${path} leads to nothing`);
  return { members, lines: [], bad };
}

/** Spamhaus DROP and ASN-DROP: one object a line, the last says how many there are. */
export function readSpamhaus(text: string, contents: Contents): FeedContent {
  const key = contents.type === 'asn' ? 'asn' : 'cidr';
  const members: string[] = [];
  const lines: number[] = [];
  const bad: number[] = [];
  let promised: Json | undefined;
  eachLine(text, (raw, line) => {
    if (raw.trim() === '') return;
    const entry = parse(raw, line);
    if (get(entry, 'type') === 'metadata') {
      promised = get(entry, 'records');
      return;
    }
    const value = get(entry, key);
    const member = entryOf(contents, String(value ?? ''));
    if (member === null) bad.push(members.length);
    members.push(member ?? String(value ?? ''));
    lines.push(line);
  });
  // why: a transfer that was cut still has whole lines; only the count tells (more than promised is harmless).
  if (typeof promised !== 'number') throw new FeedFormatError('the last line, with the count, is missing');
  if (members.length < promised) {
    throw new FeedFormatError(`it has ${members.length} of the ${promised} records it promises`);
  }
  return { members, lines, bad };
}

/**
 * Types of MISP attributes that hold values of a feed's type; of other feeds any that looks like one. Without them the
 * MD5 of a file would be a JA3, and the name of a file that of a host.
 */
const MISP_TYPES: Partial<Record<FeedType, readonly string[]>> = {
  cidr: ['ip-src', 'ip-dst', 'ip'],
  ip: ['ip-src', 'ip-dst', 'ip'],
  host: ['domain', 'hostname'],
  ja3: ['ja3-fingerprint-md5'],
  asn: ['AS'],
};

/** A MISP warning list, or events: attributes that are meant for detection (`to_ids`). */
export function readMisp(text: string, contents: Contents): FeedContent {
  const root = parse(text);
  const found = new Mixed(contents);
  const wanted = MISP_TYPES[contents.type];
  for (const entry of list(get(root, 'list'))) found.add(entry);
  const events = Array.isArray(root) ? root : [...list(get(root, 'response')), root];
  if (get(root, 'list') === undefined && !events.some((entry) => get(entry, 'Event') !== undefined)) {
    throw new FeedFormatError('this is no MISP list and no MISP event');
  }
  for (const entry of events) {
    const event = get(entry, 'Event');
    const objects = list(get(event, 'Object')).flatMap((object) => list(get(object, 'Attribute')));
    for (const attribute of [...list(get(event, 'Attribute')), ...objects]) {
      // why: exports of events have booleans, answers of older servers texts of numbers.
      if (!isSet(get(attribute, 'to_ids')) || isSet(get(attribute, 'deleted'))) continue;
      // `ip-dst|port` and its like hold two values.
      const kinds = String(get(attribute, 'type') ?? '').split('|');
      String(get(attribute, 'value') ?? '')
        .split('|')
        .forEach((value, index) => {
          if (wanted === undefined || wanted.includes(kinds[index] ?? '')) found.add(value.trim());
        });
    }
  }
  return found;
}

function isSet(flag: Json | undefined): boolean {
  return flag === true || flag === 1 || flag === '1';
}

/** What a comparison of a STIX pattern is about, by the feed's type. */
const STIX_OBJECTS: Partial<Record<FeedType, readonly string[]>> = {
  cidr: ['ipv4-addr', 'ipv6-addr'],
  ip: ['ipv4-addr', 'ipv6-addr'],
  host: ['domain-name'],
};
const TEXT = String.raw`'(?:[^'\\]|\\.)*'`;
/** `=`, `IN (…)`, and `ISSUBSET` of addresses in a network (STIX 2.1, section 9.6.1). */
const COMPARISON = new RegExp(
  String.raw`([a-z0-9-]+):value\s*(?:=\s*|IN\s*\(|ISSUBSET\s+)((?:${TEXT}[\s,]*)+)`,
  'g',
);
const TEXTS = new RegExp(TEXT, 'g');
/** Observations that only together mean something cannot become single members. */
const COMPOUND = /\b(?:AND|FOLLOWEDBY|NOT)\b/;

/** Indicators of a STIX 2.1 bundle, or of a TAXII 2.1 envelope; `confidence` is their score. */
export function readStix(text: string, contents: Contents, nowMs: number): FeedContent {
  const { type } = contents;
  const objects = STIX_OBJECTS[type];
  if (objects === undefined) throw new FeedFormatError(`STIX patterns hold nothing of type ${type}`);
  const root = parse(text);
  if (!Array.isArray(get(root, 'objects'))) throw new FeedFormatError('this is no STIX bundle: no `objects`');
  const found = new Mixed(contents);
  // why: a collection may hold several versions of an object; the last modified counts (STIX 2.1, 3.6).
  const latest = new Map<string, Json>();
  for (const object of list(get(root, 'objects'))) {
    const id = String(get(object, 'id'));
    const before = latest.get(id);
    const isNewer = String(get(object, 'modified') ?? '') >= String(get(before, 'modified') ?? '');
    if (get(object, 'type') === 'indicator' && isNewer) latest.set(id, object);
  }
  for (const indicator of latest.values()) {
    if (get(indicator, 'revoked') === true) continue;
    if (Date.parse(String(get(indicator, 'valid_from'))) > nowMs) continue;
    const pattern = String(get(indicator, 'pattern') ?? '');
    if (COMPOUND.test(pattern.replaceAll(/'(?:[^'\\]|\\.)*'/g, "''"))) continue;
    const until = Date.parse(String(get(indicator, 'valid_until')));
    const confidence = get(indicator, 'confidence');
    const score = typeof confidence === 'number' ? confidence : undefined;
    for (const [, object, values] of pattern.matchAll(COMPARISON)) {
      if (!objects.includes(object!)) continue;
      for (const [quoted] of values!.matchAll(TEXTS)) {
        const value = quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1');
        found.add(value, Number.isNaN(until) ? undefined : until, score);
      }
    }
  }
  return found;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  µs: 1e-3,
  us: 1e-3,
  ns: 1e-6,
};

/** Go's duration text, as `3h59m55.75s`, in milliseconds; NaN when it is none. */
export function goDuration(text: string): number {
  if (!/^-?(?:\d+(?:\.\d+)?(?:h|ms|m|µs|us|ns|s))+$/.test(text)) return Number.NaN;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|µs|us|ns|s)/g)) {
    total += Number(number) * UNIT_MS[unit!]!;
  }
  return text.startsWith('-') ? -total : total;
}

/** The CrowdSec scopes that hold a type's values, in lower case. */
export const SCOPES: Partial<Record<FeedType, readonly string[]>> = {
  cidr: ['ip', 'range'],
  ip: ['ip', 'range'],
  asn: ['as'],
  country: ['country'],
};

/**
 * Decisions of a CrowdSec stream, of the local API (flat) or the central one (grouped by scope). Durations
 * of those without a date count from `fetchedMs`.
 */
export function readCrowdSec(text: string, contents: Contents, fetchedMs: number): FeedContent {
  const { type } = contents;
  const scopes = SCOPES[type];
  if (scopes === undefined) throw new FeedFormatError(`CrowdSec decides nothing about type ${type}`);
  const root = parse(text);
  const isStream =
    Array.isArray(root) || get(root, 'new') !== undefined || get(root, 'deleted') !== undefined;
  if (!isStream) throw new FeedFormatError('this is no CrowdSec stream: no `new` and no `deleted`');
  const flat = (entries: Json | undefined): readonly Json[] =>
    list(entries)
      .filter((entry) => scopes.includes(String(get(entry, 'scope') ?? '').toLowerCase()))
      .flatMap((entry) => (get(entry, 'decisions') === undefined ? [entry] : list(get(entry, 'decisions'))));
  const decided = (entry: Json): Json | undefined =>
    typeof entry === 'string' ? entry : get(entry, 'value');
  const deleted = new Set(flat(get(root, 'deleted')).map(decided));
  const found = new Mixed(contents);
  for (const entry of flat(Array.isArray(root) ? root : get(root, 'new'))) {
    if (deleted.has(decided(entry)) || get(entry, 'simulated') === true) continue;
    const until = Date.parse(String(get(entry, 'until')));
    const ends = Number.isNaN(until) ? fetchedMs + goDuration(String(get(entry, 'duration') ?? '')) : until;
    found.add(decided(entry), Number.isNaN(ends) ? undefined : ends);
  }
  return found;
}
