/** Ascending order of u16 codes. */

/**
 * Shell sort with Knuth's gaps: as quick as insertion sort on the usual dozen codes, and without its
 * quadratic time on the thousands a hostile hello can hold.
 */
export function sortCodes(at: usize, count: i32): void {
  let gap = 1;
  while (gap < count / 3) gap = 3 * gap + 1;
  for (; gap > 0; gap /= 3) {
    for (let i = gap; i < count; i++) {
      const code = load<u16>(at + (i << 1));
      let j = i;
      for (; j >= gap; j -= gap) {
        const before = load<u16>(at + ((j - gap) << 1));
        if (before <= code) break;
        store<u16>(at + (j << 1), before);
      }
      store<u16>(at + (j << 1), code);
    }
  }
}
