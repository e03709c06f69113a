/** Rungs that no score reaches, and signals, groups and ramps that do not do what they seem to. */
import type { Condition, Program, Rung, Score, Signal, Site } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import { type Highest, highestScore, mostOf } from './reach.ts';
import { type Subject, warn } from './subject.ts';

const LATE: readonly string[] = ['cert', 'request'];

/** L002, L003 and P002: what the rungs of each site's ladders are for. */
export function checkLadders(subject: Subject): void {
  const highest = new Map<Score, Highest>();
  for (const site of subject.program.sites) {
    const score = subject.program.scores[site.score]!;
    const most = highest.get(score) ?? highestScore(score, subject.program);
    highest.set(score, most);
    const ladders = [site.ladder, site.canaryLadder?.ladder ?? [], site.shadowLadder ?? []];
    for (const rung of ladders.flat()) {
      if (rung.from > most.score) reportUnreachable(subject, site, score, rung, most);
      else checkDependence(subject, site, score, rung);
    }
  }
}

function reportUnreachable(
  { program, origins, report }: Subject,
  site: Site,
  score: Score,
  rung: Rung,
  most: Highest,
): void {
  const node = origins.rungs.get(rung);
  if (!node) return;
  const policy = program.policies[rung.policy]!;
  const text = `from ${rung.from} use ${node.policy.text}`;
  const evidence = [
    `the highest possible score of \`${score.name}\` is ${most.score}:`,
    ...evidenceOf(score, most, origins.scores.get(score)?.removed ?? []),
  ];
  const missing = rung.from - most.score;
  const raised = raisable(score, most, missing);
  const titles = [
    `lower the bound to ${most.score}`,
    ...(raised === null ? [] : [`raise \`${raised}\` by ${missing}`]),
  ];
  const { from } = node;
  report.warning(
    'PDL-L002',
    node.span,
    `rung \`${text}\` cannot be reached${most.isExact ? ' (exact)' : ''}`,
    titles.join(', or '),
    {
      notes: [evidence.join('\n'), `${policy.name} will never be used by site \`${site.name}\``],
      fixes: titles.map((title, index) => {
        const edits = index === 0 ? [{ span: from.span, text: String(most.score) }] : [];
        return { kind: 'maybe', title, edits };
      }),
    },
  );
}

/** One line for each group that adds to the highest score, and one for each signal outside of groups. */
function evidenceOf(
  score: Score,
  most: Highest,
  removed: readonly { name: string; group: string | null; span: { line: number } }[],
): string[] {
  const rows: [name: string, points: string, parts: string][] = [];
  score.groups.forEach((group, index) => {
    const parts = most.signals.filter((signal) => signal.group === index);
    const sum = parts.reduce((points, signal) => points + mostOf(signal), 0);
    const gone = removed.filter((each) => each.group === group.name);
    if (parts.length === 0 && gone.length === 0) return;
    const sums = parts.map((signal) => `${signal.name} ${mostOf(signal)}`);
    const capped = sum > group.cap;
    const left =
      gone.length === 0
        ? ''
        : `; ${listed(gone.map(({ name }) => name))} ${gone.length === 1 ? 'was' : 'were'} removed on line ${gone[0]!.span.line}`;
    rows.push([
      group.name,
      capped ? `cap ${group.cap}` : String(sum),
      `(${sums.join(' + ')}${capped ? ` → ${group.cap}` : ''}${left})`,
    ]);
  });
  for (const signal of most.signals) {
    if (signal.group === null) rows.push([signal.name, String(mostOf(signal)), '']);
  }
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(([name, points, parts]) =>
    `${name.padEnd(widths[0]!)}  ${points.padEnd(widths[1]!)} ${parts}`.trimEnd(),
  );
}

function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** A signal that could close the gap under the cap of its group. */
function raisable(score: Score, most: Highest, missing: number): string | null {
  const fits = most.signals.find((signal) => {
    if (signal.ramp) return false;
    if (signal.group === null) return true;
    const sum = most.signals.reduce(
      (points, each) => points + (each.group === signal.group ? mostOf(each) : 0),
      0,
    );
    return sum + missing <= score.groups[signal.group]!.cap;
  });
  return fits?.name ?? null;
}

/** Rungs that are only reached with feeds loaded, or with what is only known after the handshake. */
function checkDependence({ program, origins, report }: Subject, site: Site, score: Score, rung: Rung): void {
  const node = origins.rungs.get(rung);
  if (!node) return;
  const withoutFeeds = highestScore(score, program, (signal) => !usesFeed(signal, program));
  if (rung.from > withoutFeeds.score) {
    const message = `rung \`from ${rung.from}\` is reached only while feeds are loaded`;
    const help = 'give a signal that needs no feed more points, or accept that it sleeps without them';
    report.info('PDL-L003', node.span, message, help, {
      notes: [`without feeds \`${score.name}\` is at most ${withoutFeeds.score}`],
    });
  }
  const early = highestScore(score, program, (signal) => !isLate(signal, program));
  const policy = program.policies[rung.policy]!;
  if (rung.from <= early.score || policy.verdict.action !== 'accept') return;
  const before = site.ladder.findLast((other) => other.from <= early.score);
  const other = before && program.policies[before.policy];
  if (!other || profileOf(other) === profileOf(policy)) return;
  const message = `the TLS profile of \`${policy.name}\` can never take effect`;
  report.warning(
    'PDL-P002',
    node.span,
    message,
    'give both policies the same profile, or score earlier facts',
    {
      notes: [
        `before the handshake \`${score.name}\` is at most ${early.score}; certificates and requests come after the profile is fixed`,
      ],
    },
  );
}

function profileOf({ tls, handshake, extensions, clientCert }: Program['policies'][number]): string {
  return JSON.stringify({ tls, handshake, extensions, clientCert });
}

function atomsOf(condition: Condition, { atoms }: Program): Program['atoms'] {
  return condition.flatMap(({ yes, no }) => [...yes, ...no].map((index) => atoms[index]!));
}

function usesFeed(signal: Signal, program: Program): boolean {
  if (signal.ramp && 'lookup' in signal.ramp.operand) return true;
  return atomsOf(signal.when ?? [], program).some(
    (atom) =>
      'lookup' in atom.operand ||
      'listed' in atom.operand ||
      (atom.kind === 'table' && program.tables[atom.table]!.feed !== undefined),
  );
}

function isLate(signal: Signal, program: Program): boolean {
  const operands = [
    ...(signal.ramp ? [signal.ramp.operand] : []),
    ...atomsOf(signal.when ?? [], program).map(({ operand }) => operand),
  ];
  return operands.some((operand) => {
    const facts =
      'fact' in operand
        ? [operand.fact]
        : 'counter' in operand
          ? program.counters[operand.counter]!.key.map(({ fact }) => fact)
          : 'lookup' in operand
            ? [operand.of]
            : [];
    return facts.some((fact) => LATE.includes(FACTS[fact]!.phase));
  });
}

/** S001 to S004: signals that always or never add, ramps of one step, caps without effect. */
export function checkScores(subject: Subject): void {
  const { program, origins, report } = subject;
  for (const score of program.scores) {
    for (const signal of score.signals) checkSignal(subject, signal);
    score.groups.forEach((group, index) => {
      const node = origins.groups.get(group);
      const parts = score.signals.filter((signal) => signal.group === index && mostOf(signal) > 0);
      const sum = parts.reduce((points, signal) => points + mostOf(signal), 0);
      const alone = parts.find((signal) => mostOf(signal) >= group.cap);
      if (!node || parts.length === 0) return;
      if (sum < group.cap) {
        const message = `the cap of group \`${group.name}\` can never bind`;
        report.info('PDL-S004', node.cap.span, message, `its signals add at most ${sum}`);
      } else if (alone && parts.length > 1 && mostOf(alone) > group.cap) {
        const message = `signal \`${alone.name}\` alone goes beyond the cap of group \`${group.name}\``;
        report.info(
          'PDL-S004',
          node.cap.span,
          message,
          `raise the cap to ${mostOf(alone)}, or lower the signal`,
        );
      }
    });
  }
}

function checkSignal({ program, origins, report }: Subject, signal: Signal): void {
  const node = origins.signals.get(signal);
  if (!node) return;
  if (signal.when?.some(({ yes, no }) => yes.length + no.length === 0) && !signal.ramp) {
    warn(report, 'PDL-S001', node.annotations, {
      span: node.when?.span ?? node.span,
      message: `signal \`${signal.name}\` always adds its points`,
      help: 'add a condition that some clients fail',
    });
  }
  if (
    mostOf(signal) === 0 &&
    !signal.shadow &&
    (signal.ramp ? signal.ramp.y0 === signal.ramp.y1 : signal.points === 0)
  ) {
    report.info(
      'PDL-S002',
      node.points.span,
      `signal \`${signal.name}\` adds nothing`,
      'give it points, or remove it',
    );
  }
  if (!signal.ramp || !('counter' in signal.ramp.operand) || !node.ramp) return;
  const counter = program.counters[signal.ramp.operand.counter]!;
  const oneEvent = Math.ceil((1000 * 1_000_000) / counter.windowMs);
  if (signal.ramp.x1 > oneEvent) return;
  warn(report, 'PDL-S003', node.annotations, {
    span: node.ramp.to.span,
    message: `one event is enough for all points of \`${signal.name}\``,
    help: 'raise the end of the ramp, or widen the counter’s window',
    details: {
      notes: [
        `counter \`${counter.name}\` looks back ${counter.windowMs / 1000} s, so one event is already ${rateText(oneEvent)}`,
      ],
    },
  });
}

/** A rate in the engine's unit as a person would write it. */
export function rateText(rate: number): string {
  const perSecond = rate / 1_000_000;
  return perSecond >= 1
    ? `${round(perSecond)}/s`
    : perSecond * 60 >= 1
      ? `${round(perSecond * 60)}/m`
      : `${round(perSecond * 3600)}/h`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
