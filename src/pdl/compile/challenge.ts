/** Challenges: what a client must do, how hard it is, and what it earns. */

import { suggest } from '../diagnostics/closest.ts';
import type { Challenge } from '../ir.ts';
import type { ChallengeNode, Name } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { compileKey, entriesOf, secretOf } from './source.ts';
import { integerOf, millisecondsOf } from './units.ts';

/** Proof of work beyond this many bits outlasts any visitor's patience. */
const MAX_DIFFICULTY = 40;
const ALGORITHMS = ['sha256_bits', 'argon2id_small'] as const;
const PLACES = ['handshake', 'page', 'header'] as const;

/** Index of the challenge a name means, or null after a report. */
export function challengeOf(build: Build, module: Module, name: Name): number | null {
  const found = lookup(module, ['challenge'], name, build.report);
  if (found === null) return null;
  build.used.add(found.node);
  return compileChallenge(build, found);
}

export function compileChallenge(build: Build, found: Found<ChallengeNode>): number {
  return build.challenges.index(found.node, () => {
    const challenge = makeChallenge(build, found);
    build.origins.challenges.set(challenge, found.node);
    return challenge;
  });
}

type Entries = Map<string, ChallengeNode['entries'][number]>;

/** The first word or value of an entry; null when it is not written. */
function first(entries: Entries, key: string): Name | null {
  const entry = entries.get(key);
  return entry && 'values' in entry ? (entry.values[0] ?? null) : null;
}

function makeChallenge(build: Build, found: Found<ChallengeNode>): Challenge {
  const { node, module } = found;
  const entries: Entries = entriesOf(build, node.entries);
  const kind = (first(entries, 'kind')?.text ?? 'pow') as Challenge['kind'];
  const demanded = ['kind', 'solve_within', 'clears', 'secret', ...(kind === 'pow' ? ['difficulty'] : [])];
  for (const key of demanded) {
    if (entries.has(key) || node.damaged) continue;
    const message = `challenge \`${node.name.text}\` does not say \`${key}\``;
    build.report.error('PDL-P006', node.name.span, message, `add \`${key} …\``);
  }
  const clears = entries.get('clears');
  const secret = first(entries, 'secret');
  const solve = first(entries, 'solve_within');
  return {
    name: fullName(found),
    kind,
    algorithm: algorithmOf(build, entries),
    difficulty: kind === 'pow' ? difficultyOf(build, entries.get('difficulty')) : NO_WORK,
    solveWithinMs: solve === null ? 0 : millisecondsOf(solve.text),
    clearsForMs: clears && 'per' in clears ? millisecondsOf(clears.duration.text) : 0,
    clearsPer: clears && 'per' in clears ? compileKey(build, clears.per) : [],
    secret: secret === null ? 0 : secretOf(build, module, secret),
    ...extras(build, found, entries, kind),
  };
}

const NO_WORK: Challenge['difficulty'] = { min: 0, max: 0, fromScore: 0, toScore: 0 };

/** What only some challenges say, and what this engine cannot pose yet. */
function extras(
  build: Build,
  { node, module }: Found<ChallengeNode>,
  entries: Entries,
  kind: Challenge['kind'],
): Pick<Challenge, 'provider' | 'fallback' | 'deliver'> {
  const { report } = build;
  const kindEntry = entries.get('kind');
  if (kindEntry && kind !== 'pow') {
    build.need('PDL-X012', kindEntry.span, `a challenge of kind \`${kind}\` is`, 'use `kind pow`');
    for (const key of ['algorithm', 'difficulty']) {
      const entry = entries.get(key);
      if (!entry) continue;
      report.error('PDL-C002', entry.span, `a \`${kind}\` has no ${key}`, 'remove it, or use `kind pow`');
    }
  }
  const provider = first(entries, 'provider');
  if (provider !== null && kind !== 'captcha') {
    const message = `a \`${kind}\` has no provider`;
    report.error('PDL-C002', entries.get('provider')!.span, message, 'remove it, or use `kind captcha`');
  }
  const name = first(entries, 'fallback');
  const help = 'remove it: clients that cannot meet the challenge stay out';
  if (name !== null) build.need('PDL-X013', entries.get('fallback')!.span, '`fallback` is', help);
  const fallback = name === null ? null : fallbackOf(build, module, node, name);
  const deliver = placesOf(build, entries);
  return {
    ...(provider === null ? {} : { provider: provider.text }),
    ...(fallback === null ? {} : { fallback }),
    ...(deliver === null ? {} : { deliver }),
  };
}

function fallbackOf(build: Build, module: Module, node: ChallengeNode, name: Name): number | null {
  const message = `the challenge \`${node.name.text}\` falls back on itself`;
  build.open.add(node);
  const target = lookup(module, ['challenge'], name, build.report);
  const circular = target !== null && build.closesCircle(target.node, name.span, message);
  const index = target === null || circular ? null : challengeOf(build, module, name);
  build.open.delete(node);
  return index;
}

function placesOf(build: Build, entries: Entries): NonNullable<Challenge['deliver']> | null {
  const entry = entries.get('deliver');
  if (!entry || !('values' in entry)) return null;
  return entry.values.flatMap((value) => {
    const place = PLACES.find((each) => each === value.text);
    if (place !== undefined) return [place];
    const help = suggest(value.text, PLACES, `write ${PLACES.join(', ')}`);
    build.report.error('PDL-N007', value.span, `there is no place called \`${value.text}\``, help);
    return [];
  });
}

function algorithmOf(build: Build, entries: Entries): Challenge['algorithm'] {
  const written = first(entries, 'algorithm');
  if (written === null) return 'sha256_bits';
  const algorithm = ALGORITHMS.find((each) => each === written.text);
  if (algorithm === undefined) {
    const help = suggest(written.text, ALGORITHMS, `write ${ALGORITHMS.join(' or ')}`);
    build.report.error('PDL-N007', written.span, `there is no algorithm called \`${written.text}\``, help);
  } else if (algorithm !== 'sha256_bits') {
    const { span } = entries.get('algorithm')!;
    build.need('PDL-X013', span, `\`algorithm ${algorithm}\` is`, 'use `algorithm sha256_bits`');
  }
  return algorithm ?? 'sha256_bits';
}

function difficultyOf(
  build: Build,
  entry: ChallengeNode['entries'][number] | undefined,
): Challenge['difficulty'] {
  const numbers = entry && 'values' in entry ? entry.values.map((value) => integerOf(value.text)) : [1];
  const [min = 1, max = min, fromScore = 0, toScore = 0] = numbers;
  if (entry && (min < 1 || max < min || max > MAX_DIFFICULTY || toScore < fromScore)) {
    const help = `write bits from 1 to ${MAX_DIFFICULTY} and scores in rising order, as in 16..20 over score 51..90`;
    build.report.error('PDL-C002', entry.span, 'this difficulty makes no sense', help);
  }
  return { min, max, fromScore, toScore };
}
