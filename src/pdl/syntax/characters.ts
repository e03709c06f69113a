/** Characters that deceive a reader: letters that look like others, and controls that nobody sees. */
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Places, Token } from './lexer.ts';

/** Cyrillic and Greek letters by the ASCII letters they look like. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  аàáâα: 'a',
  сϲ: 'c',
  ԁ: 'd',
  еéèêё: 'e',
  һ: 'h',
  іıι: 'i',
  ј: 'j',
  κк: 'k',
  ӏ: 'l',
  м: 'm',
  оοóòôö: 'o',
  рρ: 'p',
  ԛ: 'q',
  г: 'r',
  ѕ: 's',
  т: 't',
  υüú: 'u',
  ν: 'v',
  ԝ: 'w',
  хχ: 'x',
  уγ: 'y',
  '–—−‐‑': '-',
  '“”„«»': '"',
  '…': '..',
};
const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries(LOOKALIKES).flatMap(([letters, ascii]) => [...letters].map((letter) => [letter, ascii])),
);

/** Direction controls, zero-width and other invisible characters; tab, line break and return are plain. */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** The text with a sign of one column in place of each character that is not seen or moves what is. */
export function visible(text: string): string {
  return text.replace(HIDDEN, '\ufffd');
}

/** The ASCII text that a character looks like, or null; full-width forms included. */
export function lookalike(character: string): string | null {
  const plain = LETTERS.get(character) ?? character.normalize('NFKC');
  return plain !== character && /^[!-~]+$/.test(plain) ? plain : null;
}

/** A character for a message: itself when it can be seen, and its code point when it is not ASCII. */
export function describe(character: string): string {
  const code = `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`;
  if (/^[!-~]$/.test(character)) return `\`${character}\``;
  return /^[\p{L}\p{N}\p{P}\p{S}]$/u.test(character) ? `\`${character}\` (${code})` : code;
}

/** More than these in one file are no attack but no text. */
const MAX_WARNINGS = 20;

/** Warns of characters in strings and comments that hide what a policy says. Elsewhere they are errors anyway. */
export function warnOfHidden(text: string, tokens: readonly Token[], places: Places, report: Report): void {
  let index = 0;
  let warnings = 0;
  for (const { 0: character, index: at } of text.matchAll(HIDDEN)) {
    while (tokens[index]!.end <= at && index < tokens.length - 1) index++;
    const token = tokens[index]!;
    const inComment = at < token.start;
    if (!inComment && token.kind !== 'string' && token.kind !== 'regex') continue;
    if (++warnings > MAX_WARNINGS) return;
    const span = places.span(at, at + 1);
    const effect = DIRECTION.test(character)
      ? 'makes text show in another order than it is read'
      : 'cannot be seen';
    const message = `the character ${describe(character)} ${effect}`;
    const kind = inComment ? ('safe' as const) : ('maybe' as const);
    const fixes = [{ kind, title: 'remove it', edits: [{ span, text: '' }] }];
    report.warning('PDL-G007', span, message, 'remove it', { fixes });
  }
}
