/** Scores: groups and signals, with what a parent score contributes. */

import { warn } from '../check/subject.ts';
import { suggest } from '../diagnostics/closest.ts';
import type { Score, Signal } from '../ir.ts';
import type { Annotation, GroupNode, Name, Points, ScoreNode, SignalNode } from '../syntax/ast.ts';
import type { Build, RemovedSignal } from './build.ts';
import { compileCondition, resolveOperand } from './condition.ts';
import { atom } from './formula.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { canaryTest, isShadow, narrowed } from './stages.ts';
import { integerOf } from './units.ts';
import { readValue, shapeOf } from './values.ts';

interface FlatSignal {
  readonly node: SignalNode;
  readonly module: Module;
  readonly group: string | null;
  points: Points;
}

interface FlatScore {
  clamp: { min: number; max: number } | null;
  damaged: boolean;
  readonly groups: GroupNode[];
  readonly signals: FlatSignal[];
  readonly removed: RemovedSignal[];
}

/** Index of the score a name means, or null after a report. */
export function scoreOf(build: Build, module: Module, name: Name): number | null {
  const found = lookup(module, ['score'], name, build.report);
  return found === null ? null : scoreIndex(build, found);
}

export function scoreIndex(build: Build, found: Found<ScoreNode>): number {
  build.used.add(found.node);
  return build.scores.index(found.node, build.context, () => makeScore(build, found));
}

function makeScore(build: Build, found: Found<ScoreNode>): Score {
  const { report } = build;
  const flat = flatten(build, found);
  if (flat.clamp === null && !flat.damaged) {
    const message = `score \`${found.node.name.text}\` has no \`clamp\``;
    report.error(
      'PDL-S010',
      found.node.name.span,
      message,
      'add the least and the most it can be: clamp 0..100',
    );
  }
  const { min, max } = flat.clamp ?? { min: 0, max: 100 };
  const names = flat.groups.map((group) => group.name.text);
  const signals = flat.signals.map((signal) => {
    const group = signal.group === null ? null : names.indexOf(signal.group);
    const compiled = compileSignal(build, signal, group, fullName(found));
    build.origins.signals.set(compiled, signal.node);
    return compiled;
  });
  const groups = flat.groups.map((node, index) => groupOf(build, node, signals, index));
  const score: Score = { name: fullName(found), min, max, groups, signals };
  build.origins.scores.set(score, { node: found.node, removed: flat.removed });
  return score;
}

function groupOf(
  build: Build,
  node: GroupNode,
  signals: readonly Signal[],
  index: number,
): Score['groups'][number] {
  const cap = integerOf(node.cap.text);
  // why: without `floor` nothing bounds a group from below but the signals themselves.
  const lowest = signals
    .filter((signal) => signal.group === index)
    .map((signal) => Math.min(0, signal.points ?? 0, signal.ramp?.y0 ?? 0, signal.ramp?.y1 ?? 0))
    .reduce((sum, points) => sum + points, 0);
  const floor = node.floor === null ? lowest : integerOf(node.floor.text);
  if (floor > cap) {
    build.report.error(
      'PDL-S005',
      node.floor!.span,
      'the floor is above the cap',
      'make the floor the smaller one',
    );
  }
  const group = { name: node.name.text, cap, floor };
  build.origins.groups.set(group, node);
  return group;
}

function flatten(build: Build, found: Found<ScoreNode>): FlatScore {
  const { report } = build;
  const { node, module } = found;
  const parent = node.parent === null ? null : lookup(module, ['score'], node.parent, report);
  build.open.add(node);
  const message = `score \`${node.name.text}\` extends itself`;
  const usable = parent !== null && !build.closesCircle(parent.node, node.parent!.span, message);
  if (usable) build.used.add(parent.node);
  const flat: FlatScore = usable
    ? flatten(build, parent)
    : { clamp: null, damaged: node.parent !== null, groups: [], signals: [], removed: [] };
  build.open.delete(node);
  flat.damaged ||= node.damaged;
  for (const entry of node.entries) {
    switch (entry.kind) {
      case 'clamp':
        flat.clamp = { min: integerOf(entry.from.text), max: integerOf(entry.to.text) };
        if (flat.clamp.min >= flat.clamp.max) {
          report.error(
            'PDL-S010',
            entry.span,
            'the clamp leaves no room for a score',
            'write the smaller bound first',
          );
        }
        break;
      case 'group':
        if (isFull(build, flat, 'groups', entry.group.name)) break;
        checkName(
          build,
          entry.group.name,
          flat.groups.map((group) => group.name),
        );
        flat.groups.push(entry.group);
        for (const signal of entry.group.signals)
          addSignal(build, flat, signal, module, entry.group.name.text);
        break;
      case 'signal':
        addSignal(build, flat, entry.signal, module, null);
        break;
      case 'retune': {
        const signal = signalNamed(build, flat, entry.name);
        if (signal) signal.points = entry.points;
        break;
      }
      case 'remove': {
        const signal = signalNamed(build, flat, entry.name);
        if (!signal) break;
        flat.signals.splice(flat.signals.indexOf(signal), 1);
        flat.removed.push({ name: entry.name.text, group: signal.group, span: entry.span });
      }
    }
  }
  return flat;
}

function addSignal(
  build: Build,
  flat: FlatScore,
  node: SignalNode,
  module: Module,
  group: string | null,
): void {
  if (isFull(build, flat, 'signals', node.name)) return;
  checkName(
    build,
    node.name,
    flat.signals.map((signal) => signal.node.name),
  );
  flat.signals.push({ node, module, group, points: node.points });
}

/** Signals, and groups, of one score in the engine's image. */
const MAX_PARTS = 512;

/** True when nothing more fits; said once, at the first that does not. */
function isFull(build: Build, flat: FlatScore, what: 'signals' | 'groups', { span }: Name): boolean {
  if (flat[what].length < MAX_PARTS) return false;
  if (!flat.damaged) {
    const help = `merge ${what} that mean the same`;
    build.report.error('PDL-B003', span, `a score has at most ${MAX_PARTS} ${what}`, help);
  }
  flat.damaged = true;
  return true;
}

function checkName(build: Build, name: Name, others: readonly Name[]): void {
  const earlier = others.find((other) => other.text === name.text);
  if (!earlier) return;
  const label = { span: earlier.span, text: 'declared here first' };
  const message = `\`${name.text}\` is declared twice`;
  build.report.error('PDL-N002', name.span, message, 'give one of them another name', { labels: [label] });
}

function signalNamed(build: Build, flat: FlatScore, name: Name): FlatSignal | null {
  const signal = flat.signals.find((candidate) => candidate.node.name.text === name.text);
  if (signal) return signal;
  const names = flat.signals.map((candidate) => candidate.node.name.text);
  const help = suggest(name.text, names, 'name a signal of the score this one extends');
  build.report.error('PDL-N001', name.span, `there is no signal called \`${name.text}\` here`, help);
  return null;
}

function compileSignal(build: Build, signal: FlatSignal, group: number | null, score: string): Signal {
  const { node, module, points } = signal;
  const { report } = build;
  const { text: name } = node.name;
  const { span } = node;
  const shadow = isShadow(node.stage) ? { shadow: true } : {};
  const test = canaryTest(build, node.stage, `${score}.${name}`);
  const annotations: readonly Annotation[] = node.annotations;
  if (node.ramp !== null) {
    const only = test === null ? {} : { when: build.condition(atom(test), `signal ${name}`, span) };
    return { name, group, ...only, ramp: compileRamp(build, signal), ...shadow, span };
  }
  if (points.isRange) {
    const message = 'a signal with `when` adds one number of points, not a range';
    report.error('PDL-S011', points.span, message, 'write one number, or use `ramp`');
  }
  const before = report.errorCount;
  const when = build.condition(
    narrowed(compileCondition(build, module, node.when!), test),
    `signal ${name}`,
    node.when!.span,
  );
  if (when.length === 0 && report.errorCount === before) {
    const message = `signal \`${name}\` can never add its points`;
    const help = 'its condition contradicts itself';
    warn(report, 'PDL-S001', annotations, { span: node.when!.span, message, help });
  }
  return { name, group, when, points: points.from, ...shadow, span };
}

function compileRamp(build: Build, { node, module, points }: FlatSignal): NonNullable<Signal['ramp']> {
  const { report } = build;
  const { operand: operandNode, from, to } = node.ramp!;
  if (!points.isRange) {
    const message = 'a ramp needs the points at both of its ends';
    report.error('PDL-S011', points.span, message, `write \`+0..${points.from}\``);
  }
  const nothing = { operand: { fact: 0 }, x0: 0, x1: 1, y0: points.from, y1: points.to };
  const subject = resolveOperand(build, module, operandNode);
  if (subject === null) return nothing;
  if (subject.list || shapeOf(subject.type) !== 'number' || subject.type === 'bool') {
    report.error(
      'PDL-Y001',
      operandNode.span,
      `${subject.label} is no number`,
      'ramp over a number, rate or duration',
    );
    return nothing;
  }
  const x0 = readValue(module, from, subject.type, report);
  const x1 = readValue(module, to, subject.type, report);
  if (x0 === null || x1 === null) return nothing;
  if (x0 >= x1) {
    report.error(
      'PDL-S003',
      to.span,
      'the ramp ends where or before it begins',
      'write the smaller value after `from`',
    );
  }
  build.reads(subject.operand);
  return { operand: subject.operand, x0: Number(x0), x1: Number(x1), y0: points.from, y1: points.to };
}
