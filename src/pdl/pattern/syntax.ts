/**
 * The patterns of `like` and `matches` as trees over bytes: text is UTF-8. A regular expression is what JavaScript means
 * by it with the flag `u`, as far as it is regular: literals, `.`, classes, groups, `|`, `*`, `+`, `?`, counts, `^`, `$`.
 */

export type PatternKind = 'glob' | 'regex';

export type PatternNode =
  | { readonly kind: 'bytes'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly part: PatternNode; readonly min: number; readonly max: number | null }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

/** A bit for each byte. */
export type ByteSet = bigint;

/** A pattern that cannot be read, or that the engine cannot match. */
export class PatternError extends Error {
  readonly help: string;

  constructor(message: string, help: string) {
    super(message);
    this.help = help;
  }
}

const MAX_COUNT = 64;
const REGULAR = 'use `^`, `$`, `.`, classes, groups, `|`, `*`, `+`, `?` and counts up to 64';

const range = (from: number, to: number): ByteSet => ((1n << BigInt(to - from + 1)) - 1n) << BigInt(from);
const bytes = (set: ByteSet): PatternNode => ({ kind: 'bytes', set });
const sequence = (...parts: PatternNode[]): PatternNode => ({ kind: 'sequence', parts });
const choice = (...parts: PatternNode[]): PatternNode => ({ kind: 'choice', parts });
const times = (part: PatternNode, min: number, max: number | null): PatternNode => ({
  kind: 'repeat',
  part,
  min,
  max,
});

const ASCII = range(0, 0x7f);
const ALL_BYTES = range(0, 0xff);
const CONTINUATION = bytes(range(0x80, 0xbf));
/** A character that is no ASCII (RFC 3629). */
const OTHER: PatternNode = choice(
  sequence(bytes(range(0xc2, 0xdf)), CONTINUATION),
  sequence(bytes(range(0xe0, 0xef)), CONTINUATION, CONTINUATION),
  sequence(bytes(range(0xf0, 0xf4)), CONTINUATION, CONTINUATION, CONTINUATION),
);
const DIGITS = range(0x30, 0x39);
const WORD = DIGITS | range(0x41, 0x5a) | range(0x61, 0x7a) | range(0x5f, 0x5f);
const SPACE = range(0x09, 0x0d) | range(0x20, 0x20);
const LINE_BREAKS = range(0x0a, 0x0a) | range(0x0d, 0x0d);
const CLASSES: Readonly<Record<string, ByteSet>> = { d: DIGITS, w: WORD, s: SPACE };
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 };

/** ASCII characters, and all others when `others`. */
interface Characters {
  readonly ascii: ByteSet;
  readonly others: boolean;
}

function oneOf({ ascii, others }: Characters): PatternNode {
  if (!others) return bytes(ascii);
  return ascii === 0n ? OTHER : choice(bytes(ascii), OTHER);
}

const ANY_CHARACTER = oneOf({ ascii: ASCII, others: true });

function literal(character: string): PatternNode {
  return sequence(...Array.from(new TextEncoder().encode(character), (byte) => bytes(range(byte, byte))));
}

/** @throws PatternError */
export function readPattern(kind: PatternKind, pattern: string): PatternNode {
  const reader = new Reader(pattern);
  return kind === 'glob' ? reader.glob() : reader.regex();
}

class Reader {
  readonly #characters: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#characters = [...pattern];
  }

  get #next(): string | undefined {
    return this.#characters[this.#at];
  }

  #accept(character: string): boolean {
    if (this.#next !== character) return false;
    this.#at++;
    return true;
  }

  /** The whole text: `*` any text, `?` one character, `[…]` one of a class, anything else itself. */
  glob(): PatternNode {
    const parts: PatternNode[] = [{ kind: 'start' }];
    for (; this.#next !== undefined; ) {
      const character = this.#characters[this.#at++]!;
      if (character === '*') parts.push(times(bytes(ALL_BYTES), 0, null));
      else if (character === '?') parts.push(ANY_CHARACTER);
      else if (character === '[') parts.push(this.#class('write `*`, `?` or `[abc]`'));
      else parts.push(literal(character));
    }
    return sequence(...parts, { kind: 'end' });
  }

  regex(): PatternNode {
    const node = this.#choice();
    if (this.#next !== undefined)
      throw new PatternError('this is no regular expression', 'a `)` is not opened');
    return node;
  }

  #choice(): PatternNode {
    const parts = [this.#sequence()];
    while (this.#accept('|')) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : choice(...parts);
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#next !== undefined && this.#next !== '|' && this.#next !== ')') parts.push(this.#repeated());
    return sequence(...parts);
  }

  #repeated(): PatternNode {
    const part = this.#atom();
    const counts = this.#counts();
    if (counts === null) return part;
    if (part.kind === 'start' || part.kind === 'end') {
      throw new PatternError('this is no regular expression', '`^` and `$` cannot be repeated');
    }
    // A lazy repetition is of the same texts.
    this.#accept('?');
    if (this.#next !== undefined && '*+?{'.includes(this.#next)) {
      throw new PatternError('this is no regular expression', `\`${this.#next}\` has nothing to repeat`);
    }
    return times(part, ...counts);
  }

  #counts(): [min: number, max: number | null] | null {
    if (this.#accept('*')) return [0, null];
    if (this.#accept('+')) return [1, null];
    if (this.#accept('?')) return [0, 1];
    if (this.#next !== '{') return null;
    const rest = this.#characters.slice(this.#at).join('');
    const counts = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(rest);
    if (counts === null) throw new PatternError('this is no regular expression', 'write `\\{` for a brace');
    this.#at += counts[0].length;
    const min = Number(counts[1]);
    const max = counts[2] === undefined ? min : counts[3] === '' ? null : Number(counts[3]);
    if (min > MAX_COUNT || (max ?? 0) > MAX_COUNT) {
      throw new PatternError('a count in a pattern is at most 64', 'use `*` or `+`');
    }
    if (max !== null && max < min) {
      throw new PatternError('this is no regular expression', 'the second count is below the first');
    }
    return [min, max];
  }

  #atom(): PatternNode {
    const character = this.#characters[this.#at++]!;
    if (character === '^') return { kind: 'start' };
    if (character === '$') return { kind: 'end' };
    if (character === '.') return oneOf({ ascii: ASCII & ~LINE_BREAKS, others: true });
    if (character === '[') return this.#class('check its brackets and escapes');
    if (character === '\\') return this.#escaped();
    if ('*+?{}]'.includes(character)) {
      throw new PatternError(
        'this is no regular expression',
        `write \`\\${character}\` for the character itself`,
      );
    }
    if (character !== '(') return literal(character);
    if (this.#accept('?') && !this.#accept(':')) {
      throw new PatternError('look-around and names of groups are not supported', REGULAR);
    }
    const inside = this.#choice();
    if (!this.#accept(')')) throw new PatternError('this is no regular expression', 'a `(` is not closed');
    return inside;
  }

  #escaped(): PatternNode {
    const set = this.#classEscape();
    return set === null ? literal(this.#characterEscape()) : oneOf(set);
  }

  /** After a backslash: `\d` and its like, or null. */
  #classEscape(): Characters | null {
    const character = this.#next ?? '';
    const ascii = CLASSES[character.toLowerCase()];
    if (ascii === undefined) return null;
    this.#at++;
    return character in CLASSES ? { ascii, others: false } : { ascii: ASCII & ~ascii, others: true };
  }

  #characterEscape(): string {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new PatternError('this is no regular expression', 'a `\\` ends it');
    if (character in CONTROLS) return String.fromCharCode(CONTROLS[character]!);
    const rest = this.#characters.slice(this.#at).join('');
    const code = { x: /^([0-9a-f]{2})/i, u: /^(?:\{([0-9a-f]{1,6})\}|([0-9a-f]{4}))/i }[character]?.exec(
      rest,
    );
    if (code) {
      this.#at += code[0].length;
      const point = Number.parseInt(code[1] ?? code[2]!, 16);
      if (point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)) return String.fromCodePoint(point);
    }
    if (/[\^$\\.*+?()[\]{}|/-]/.test(character)) return character;
    throw new PatternError(`\`\\${character}\` is not supported in a pattern`, REGULAR);
  }

  /** A class after its `[`. */
  #class(help: string): PatternNode {
    const isNegated = this.#accept('^');
    let ascii = 0n;
    let others = false;
    while (!this.#accept(']')) {
      const from = this.#member(help);
      if (typeof from !== 'string') {
        ascii |= from.ascii;
        others ||= from.others;
        continue;
      }
      const isRange = this.#next === '-' && this.#characters[this.#at + 1] !== ']';
      if (isRange) this.#at++;
      const to = isRange ? this.#member(help) : from;
      if (typeof to !== 'string' || to < from)
        throw new PatternError('a range in a class is out of order', help);
      if (to > '\u007f') {
        throw new PatternError(
          'a class has a character beyond ASCII',
          'write such characters as alternatives: `(é|è)`',
        );
      }
      ascii |= range(from.charCodeAt(0), to.charCodeAt(0));
    }
    return oneOf(isNegated ? { ascii: ASCII & ~ascii, others: !others } : { ascii, others });
  }

  #member(help: string): string | Characters {
    const character = this.#characters[this.#at++];
    if (character === undefined) throw new PatternError('this pattern has a `[` that is not closed', help);
    if (character !== '\\') return character;
    return this.#classEscape() ?? this.#characterEscape();
  }
}
