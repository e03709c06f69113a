/** @throws RangeError when a program has more of something than the decision core takes. */
export function atMost(what: string, count: number, limit: number): void {
  if (count > limit) throw new RangeError(`the program has ${count} ${what}; the limit is ${limit}`);
}
