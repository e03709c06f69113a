/** What a name at a place is: markdown for the editor to show. */

import { highestScore, mostOf } from '../check/reach.ts';
import type { Module } from '../compile/modules.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { ALERTS } from '../registry/iana.ts';
import { referenceOfFact, registered } from '../registry/rfc.ts';
import { describeFact } from './completion.ts';
import type { Definition } from './definitions.ts';
import { type Found, symbolAt } from './symbols.ts';
import { type Analysis, offsetOf, type Position, type Range, rangeOf, tokenAt } from './workspace.ts';

export interface Hover {
  readonly markdown: string;
  readonly range: Range;
}

/** More lines of a declaration than these are not shown. */
const MAX_LINES = 12;

export function hover(analysis: Analysis, position: Position): Hover | null {
  const [module] = analysis.modules;
  const symbol = symbolAt(module, position);
  if (symbol !== null)
    return { markdown: describeSymbol(analysis, symbol), range: rangeOf(symbol.name.span) };
  const token = tokenAt(module, offsetOf(analysis.text, position));
  if (token === null) return null;
  const markdown = describeWord(token.text);
  if (markdown === null) return null;
  const before = analysis.text.slice(0, token.start);
  const line = before.split('\n').length - 1;
  const character = token.start - (before.lastIndexOf('\n') + 1);
  const end = { line, character: character + token.text.length };
  return { markdown, range: { start: { line, character }, end } };
}

function describeWord(word: string): string | null {
  const fact = FACTS.find(({ name }) => name === word);
  if (fact) {
    const reference = referenceOfFact(word);
    return `**${word}**: ${describeFact(fact)}${reference === null ? '' : `\n\n${reference}`}`;
  }
  const known = registered(word);
  if (known) {
    const code = `0x${known.code.toString(16).padStart(4, '0')}`;
    return `**${word}**: ${known.registry} ${code}\n\n${[known.reference, known.note].filter((part) => part !== '').join('\n\n')}`;
  }
  if (word in ALERTS) return `**${word}**: alert ${ALERTS[word]}\n\nRFC 8446 section 6`;
  const version = /^tls1\.([0-3])$/.exec(word)?.[1];
  if (version === undefined) return null;
  return `**TLS 1.${version}**\n\n${['RFC 2246; deprecated by RFC 8996', 'RFC 4346; deprecated by RFC 8996', 'RFC 5246', 'RFC 8446'][Number(version)]}`;
}

function describeSymbol(analysis: Analysis, { definition, module }: Found): string {
  const { kind, name, owner, signal } = definition;
  const of = owner.name === name ? '' : ` of ${owner.kind} \`${owner.name.text}\``;
  const parts = [`**${kind} ${name.text}**${of}`];
  if (signal) parts.push(contribution(definition));
  if (kind === 'score') parts.push(...bounds(analysis, definition, module));
  if (kind === 'policy') parts.push(...rungsOf(analysis, name.text));
  const source = sourceOf(analysis, definition, module);
  if (source !== null) parts.push(`\`\`\`pdl\n${source}\n\`\`\``);
  return parts.join('\n\n');
}

/** What a signal adds to the score, and what bounds it. */
function contribution({ signal, owner }: Definition): string {
  const { node, group } = signal!;
  const signed = (points: number): string => (points > 0 ? `+${points}` : String(points));
  const { from, to, isRange } = node.points;
  const points = isRange ? `${signed(from)} to ${signed(to)} points` : `${signed(from)} points`;
  const clamp = owner.kind === 'score' ? owner.entries.find((entry) => entry.kind === 'clamp') : undefined;
  const range = clamp ? ` of a score from ${clamp.from.text} to ${clamp.to.text}` : '';
  const most = Math.max(from, to);
  const bound =
    group === null
      ? ''
      : `, in group \`${group.name}\`, which adds at most ${group.cap}${most > Number(group.cap) ? ' (so this alone is cut)' : ''}`;
  const shadow =
    node.stage?.kind === 'shadow' ? '\n\nShadow: it counts only in what would have been decided.' : '';
  return `${points}${range}${bound}${shadow}`;
}

function bounds({ compiled }: Analysis, { name }: Definition, module: Module): string[] {
  const { program } = compiled;
  const score = program?.scores.find((found) => found.name === module.prefix + name.text);
  if (!program || !score) return [];
  const { score: highest, isExact, signals } = highestScore(score, program);
  const sum = signals.map((signal) => `\`${signal.name}\` +${mostOf(signal)}`).join(', ');
  const reached = isExact ? `The highest there can be is ${highest}` : `It is never above ${highest}`;
  const how = sum === '' ? '' : `: ${sum}`;
  return [`A score from ${score.min} (good) to ${score.max} (bad). ${reached}${how}.`];
}

/** Ladders of this file that lead to a policy. */
function rungsOf({ modules }: Analysis, own: string): string[] {
  const found: string[] = [];
  for (const declaration of modules[0].file.declarations) {
    const ladders =
      declaration.kind === 'ladder'
        ? [declaration.rungs]
        : declaration.kind === 'site'
          ? declaration.entries.flatMap((entry) =>
              entry.kind === 'ladder' && !('text' in entry.ladder) ? [entry.ladder] : [],
            )
          : [];
    for (const rungs of ladders) {
      for (const { from, policy } of rungs) {
        if (policy.text.split('.').at(-1) !== own) continue;
        found.push(`from score ${from.text} in ${declaration.kind} \`${declaration.name.text}\``);
      }
    }
  }
  return found.length === 0 ? [] : [`Used ${found.join(', ')}.`];
}

/** The text of a definition in the file at hand or one that it imports, or null when that text is not here. */
function sourceOf({ modules, text }: Analysis, { span }: Definition, module: Module): string | null {
  if (module !== modules[0]) return null;
  const lines = text.split('\n').slice(span.line - 1, span.endLine);
  const shown = lines.slice(0, MAX_LINES).join('\n');
  return lines.length > MAX_LINES ? `${shown}\n…` : shown;
}
