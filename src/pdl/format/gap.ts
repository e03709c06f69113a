/** What stands between two tokens: line breaks, blank lines and comments. */

export interface Comment {
  /** From `#` on, without white space at the end. */
  readonly text: string;
  /** A blank line stands before it. */
  readonly blank: boolean;
}

export interface Gap {
  /** A comment on the line of the token before. */
  readonly trailing: string | null;
  /** Comments on lines of their own. */
  readonly comments: readonly Comment[];
  /** The token after begins a line. */
  readonly newline: boolean;
  /** A blank line stands right before the token after. */
  readonly blank: boolean;
}

/** Reads a token's leading white space. `isStart`: no token stands before, so no comment trails one. */
export function gapOf(space: string, isStart: boolean): Gap {
  const lines = space.split('\n');
  const comments: Comment[] = [];
  let trailing: string | null = null;
  let blank = false;
  for (const [index, line] of lines.entries()) {
    const at = line.indexOf('#');
    if (at !== -1) {
      const text = line.slice(at).replace(/[ \t\r]+$/, '');
      if (index === 0 && !isStart) trailing = text;
      else comments.push({ text, blank });
      blank = false;
    } else if (index > 0 && index < lines.length - 1) blank = true;
  }
  return { trailing, comments, newline: lines.length > 1 || (isStart && comments.length > 0), blank };
}

/** The comments of a gap in their order. */
export function commentsOf(gap: Gap): string[] {
  const own = gap.comments.map(({ text }) => text);
  return gap.trailing === null ? own : [gap.trailing, ...own];
}
