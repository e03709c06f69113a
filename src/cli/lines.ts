/** Line by line from standard input to standard output, for the verbs that work in batches. */
import { createInterface } from 'node:readline';

/** One answer: an object that is printed as JSON. An `error` key marks a line that could not be answered. */
export type Answer = Readonly<Record<string, unknown>>;

export interface LineOptions {
  /** Indent the JSON for reading. */
  readonly pretty: boolean;
}

/**
 * Answers every line that is not empty, in order. Resolves with the number of answers that carry an
 * `error`. A reader that goes away ends it early.
 */
export async function answerLines(answer: (line: string) => Answer, options: LineOptions): Promise<number> {
  const { stdin, stdout } = process;
  let failed = 0;
  let gone = false;
  let proceed = (): void => {};
  stdout.on('drain', () => proceed());
  stdout.on('error', () => {
    gone = true;
    proceed();
  });
  for await (const line of createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (gone) break;
    if (line.trim() === '') continue;
    const result = answer(line.trim());
    if ('error' in result) failed++;
    const text = JSON.stringify(result, null, options.pretty ? 2 : undefined);
    const full = !stdout.write(`${text}\n`);
    if (full && !gone) {
      await new Promise<void>((resolve) => {
        proceed = resolve;
      });
    }
  }
  return failed;
}

export function failure(code: string, message: string): Answer {
  return { error: { code, message } };
}

/** The JSON object in a line, or null when it holds something else. */
export function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** The bytes of an even number of hex digits, or null. */
export function parseHex(value: unknown): Uint8Array | null {
  if (typeof value !== 'string' || value.length % 2 !== 0 || !/^[0-9a-f]+$/i.test(value)) return null;
  return Uint8Array.from(Buffer.from(value, 'hex'));
}
