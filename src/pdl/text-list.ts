/** A list of texts that need not exist as strings; an array of strings is one too. */
export interface TextList extends Iterable<string> {
  readonly length: number;
  at(index: number): string | undefined;
}
