/** What a format reader makes of a feed's content. */
import type { TextList } from '../pdl/text-list.ts';

export interface FeedContent {
  readonly members: TextList;
  /** 1-based line of each member; empty for formats whose lines mean nothing. */
  readonly lines: ArrayLike<number>;
  /** When each member ends, in milliseconds since the epoch (Infinity: never); absent: none ends. */
  readonly expires?: readonly number[];
  /** Indexes of members that are none of the feed's type; they stand as they were written. */
  readonly bad: readonly number[];
}

/** The content is not what its format says; the message goes to the operator. */
export class FeedFormatError extends Error {
  /** 1-based. */
  readonly line: number;

  constructor(message: string, line = 1) {
    super(message);
    this.name = 'FeedFormatError';
    this.line = line;
  }
}
