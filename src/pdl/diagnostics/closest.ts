/** Did-you-mean. */

/** Longer words are no slips of the pen, and would take long to compare. */
const MAX_WORD = 64;

/** Of more candidates only the first ones are compared. */
const MAX_CANDIDATES = 1000;

/** The candidate within a third of its length in edits of `word` (optimal string alignment), or null. */
export function closest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_WORD) return null;
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  let compared = 0;
  for (const candidate of candidates) {
    const most = Math.max(1, Math.floor(candidate.length / 3));
    if (Math.abs(candidate.length - word.length) > most) continue;
    if (++compared > MAX_CANDIDATES) break;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance && distance <= most) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** `did you mean …?` when a candidate is close, else `otherwise`. */
export function suggest(word: string, candidates: Iterable<string>, otherwise: string): string {
  const near = closest(word, candidates);
  return near === null ? otherwise : `did you mean \`${near}\`?`;
}

/** The candidate that `suggest` put into a help, or null. */
export function suggestionIn(help: string): string | null {
  return /^did you mean `([^`]+)`\?$/.exec(help)?.[1] ?? null;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`. */
function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = rows[i - 1]![j - 1]! + Number(a[i - 1] !== b[j - 1]);
      let least = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, substitution);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, rows[i - 2]![j - 2]! + 1);
      }
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
