/** Draws a summary for a terminal of at least 80 columns. */
import type { ConnectionBrief } from '../../audit/brief.ts';
import type { Paint } from '../style.ts';
import type { Summary } from './summary.ts';

const COLUMNS = 80;
const BARS = ' ▁▂▃▄▅▆▇█';
const TOPS = 5;
/** Lines above the list of refusals, and below it. */
const OTHER_LINES = 18;
const LEFT = 39;

/** Text of clients never moves the cursor: what is not printable ASCII is shown as `?`. */
function plain(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Cut or filled to a width. */
function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function number(value: number): string {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value));
}

type Counted = readonly (readonly [string, number])[];

/** `title`, then a count and a text on each line. */
function list(title: string, entries: Counted, width: number, paint: Paint): string[] {
  const lines = Array.from({ length: TOPS }, (_, index) => {
    const entry = entries[index];
    if (entry === undefined) return ' '.repeat(width);
    return fit(`${String(entry[1]).padStart(8)}  ${plain(entry[0])}`, width);
  });
  return [paint('bold', fit(title, width)), ...lines];
}

function beside(left: readonly string[], right: readonly string[]): string[] {
  return left.map((line, index) => `${line}  ${right[index]!}`.trimEnd());
}

function histogram(scores: readonly number[]): string {
  const most = Math.max(1, ...scores);
  const bars = scores.map((count) => BARS[Math.ceil((count / most) * (BARS.length - 1))]!);
  return `scores   good 0 ${bars.map((bar) => bar.repeat(2)).join('')} 100 bad`;
}

function refusal({ time, ip, outcome, score, matched, sni, error }: ConnectionBrief): string {
  const why = matched.length > 0 ? matched.join(' ') : (error ?? '-');
  const parts = [time.slice(11, 19), fit(ip, 15), fit(outcome, 16), String(score ?? '-').padStart(3)];
  return fit(plain(`${parts.join(' ')} ${why}  ${sni ?? ''}`), COLUMNS).trimEnd();
}

function tint(outcome: string, line: string, paint: Paint): string {
  const isDecided = ['refused', 'reset', 'dropped', 'tarpitted', 'limited'].includes(outcome);
  return paint(isDecided ? 'red' : 'yellow', line);
}

/** The lines of one frame, as many as `rows` has room for. */
export function draw(summary: Summary, rows: number, nowMs: number, paint: Paint): string[] {
  const { status } = summary;
  const open =
    status === null
      ? '-'
      : `${status.connections} open, ${status.handshakes} in handshake, ${status.held} held`;
  const rate = `${number(summary.rate(nowMs))}/s`;
  const head = fit(
    `sallyport watch  ${rate.padEnd(9)} ${summary.connections} ended  ${open}`,
    COLUMNS,
  ).trimEnd();
  const lines = [
    paint('bold', head),
    summary.lost > 0 ? paint('yellow', `this terminal was too slow for ${summary.lost} connections`) : '',
    ...beside(
      list('how they ended', summary.outcomes.first(TOPS), LEFT, paint),
      list('policies', summary.policies.first(TOPS), LEFT, paint),
    ),
    ...beside(
      list('addresses', summary.addresses.first(TOPS), LEFT, paint),
      list('server names', summary.names.first(TOPS), LEFT, paint),
    ),
    ...list('JA4 and program', summary.fingerprints.first(TOPS), COLUMNS - 1, paint).map((line) =>
      line.trimEnd(),
    ),
    paint('cyan', histogram(summary.scores)),
    paint('bold', 'not served'),
    ...summary.refusals.map((brief) => tint(brief.outcome, refusal(brief), paint)),
  ];
  return lines.slice(0, Math.max(rows, OTHER_LINES));
}
