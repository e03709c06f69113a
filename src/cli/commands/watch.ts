/** `sallyport watch`: what goes on at a running edge, live. */
import type { AdminOptions } from '../admin-client.ts';
import { openEvents } from '../admin-stream.ts';
import { EXIT } from '../exit.ts';
import { chooseFormat, type Format, useColor } from '../output.ts';
import { painter } from '../style.ts';
import { draw } from '../watch/screen.ts';
import { Summary, type WatchEvent } from '../watch/summary.ts';

export interface WatchOptions extends AdminOptions {
  readonly format?: Format;
  /** Seconds after which it ends by itself. */
  readonly seconds?: number;
}

const FRAME_MS = 1_000;
const DEFAULT_ROWS = 40;
const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Ends with 0 when asked to, with 1 when the edge went away. */
export async function watch(options: WatchOptions): Promise<number> {
  const stream = await openEvents(options);
  let stopped = false;
  const stop = (): void => {
    stopped = true;
    stream.close();
  };
  // why: a reader such as `head` may have seen enough.
  process.stdout.on('error', stop);
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, stop);
  const timer = options.seconds === undefined ? null : setTimeout(stop, options.seconds * 1_000);
  try {
    if (chooseFormat(options.format) === 'json') {
      for await (const line of stream.lines) process.stdout.write(`${line}\n`);
    } else await show(stream.lines);
  } finally {
    clearTimeout(timer ?? undefined);
    for (const signal of signals) process.off(signal, stop);
    stream.close();
  }
  if (stopped) return EXIT.ok;
  process.stderr.write('sallyport: the edge ended the stream\n');
  return EXIT.problem;
}

async function show(lines: AsyncIterable<string>): Promise<void> {
  const { stdout } = process;
  const summary = new Summary();
  const paint = painter(useColor(stdout));
  const isTerminal = stdout.isTTY === true;
  const frame = (): void => {
    const rows = isTerminal ? (stdout.rows ?? DEFAULT_ROWS) - 1 : DEFAULT_ROWS;
    const drawn = draw(summary, rows, Date.now(), paint);
    if (isTerminal)
      stdout.write(`${HOME}${drawn.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
    else stdout.write(`${drawn.join('\n')}\n\n`);
  };
  if (isTerminal) stdout.write(ENTER_SCREEN);
  const timer = setInterval(frame, FRAME_MS);
  try {
    for await (const line of lines) {
      const event = parseEvent(line);
      if (event !== null) summary.add(event, Date.now());
    }
  } finally {
    clearInterval(timer);
    if (isTerminal) stdout.write(LEAVE_SCREEN);
    else frame();
  }
}

/** Null for a line that is no event, such as one that was cut off. */
function parseEvent(line: string): WatchEvent | null {
  try {
    return JSON.parse(line) as WatchEvent;
  } catch {
    return null;
  }
}
