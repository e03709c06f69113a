/** Modes: their states, what switches them, and what conditions ask of them. */

import { suggest } from '../diagnostics/closest.ts';
import type { Atom, Condition, Mode, Switch } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { ModeNode, Name, OperandNode, StateNode, SwitchNode, TestNode } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { compileCondition } from './condition.ts';
import { type Formula, MAX_CUBES, toCubes } from './formula.ts';
import { type Found, fullName, lookup, type Module } from './modules.ts';
import { millisecondsOf } from './units.ts';

const MAX_STATES = 16;

export function compileMode(build: Build, found: Found<ModeNode>): number {
  return build.modes.index(found.node, () => makeMode(build, found));
}

function makeMode(build: Build, found: Found<ModeNode>): Mode {
  const { node } = found;
  const { report } = build;
  const { text } = node.name;
  const initials = node.states.filter((state) => state.initial);
  const problem = (message: string, what: string): void =>
    report.error('PDL-M003', (initials[1]?.name ?? node.name).span, message, what);
  if (initials.length !== 1 && !node.damaged) {
    const count = initials.length === 0 ? 'no' : `${initials.length}`;
    problem(`mode \`${text}\` has ${count} initial states`, 'write `initial` after one state');
  }
  if (node.states.length > MAX_STATES) {
    problem(`mode \`${text}\` has more than ${MAX_STATES} states`, 'merge states that need the same');
  }
  node.states.forEach((state, index) => {
    const earlier = node.states.findIndex(({ name }) => name.text === state.name.text);
    if (earlier === index) return;
    const label = { span: node.states[earlier]!.name.span, text: 'declared here first' };
    const message = `the state \`${state.name.text}\` is declared twice`;
    report.error('PDL-N002', state.name.span, message, 'give one of them another name', { labels: [label] });
  });
  const atoms: Atom[] = [];
  const states = node.states.map((state) => compileState(build, found.module, state, atoms));
  const initial = Math.max(
    0,
    node.states.findIndex((state) => state.initial),
  );
  return { name: fullName(found), states, initial, atoms };
}

function compileState(
  build: Build,
  module: Module,
  { name, initial, enter, leave }: StateNode,
  atoms: Atom[],
): Mode['states'][number] {
  if (!initial && enter === null) {
    const message = `nothing enters the state \`${name.text}\` by itself`;
    const help = 'add `enter when … for …`, or leave it for an operator to force';
    build.report.warning('PDL-M004', name.span, message, help);
  }
  const each = (node: SwitchNode | null): Switch | null =>
    node === null ? null : compileSwitch(build, module, node, atoms);
  return { name: name.text, enter: each(enter), leave: each(leave) };
}

/** Only what is the same for every connection can switch a mode. */
function compileSwitch(build: Build, module: Module, node: SwitchNode, atoms: Atom[]): Switch {
  const formula = compileCondition(build, module, node.when);
  const indexOf = (atom: Atom): number => {
    const { operand } = atom;
    const name = 'fact' in operand ? FACTS[operand.fact]!.name : '';
    if (!/^(?:sys|time)\./.test(name)) {
      const message = 'a mode is switched by what is true of the whole edge, not of one client';
      build.report.error('PDL-M005', node.when.span, message, 'test facts that begin with sys. or time.');
    }
    const known = atoms.findIndex((other) => JSON.stringify(other) === JSON.stringify(atom));
    return known === -1 ? atoms.push(atom) - 1 : known;
  };
  const when: Condition | null = formula === null ? [] : toCubes(formula, indexOf);
  if (when === null) {
    const message = `this condition has more than ${MAX_CUBES} alternatives when written out`;
    build.report.error('PDL-B002', node.when.span, message, 'split it into several states');
  }
  return { when: when ?? [], holdMs: millisecondsOf(node.hold.text) };
}

/** The mode and the index of its state, or null after a report. */
export function stateOf(
  build: Build,
  module: Module,
  mode: Name,
  state: Name,
): { node: ModeNode; state: number } | null {
  const found = lookup(module, ['mode'], mode, build.report);
  if (found === null) return null;
  build.used.add(found.node);
  compileMode(build, found);
  const names = found.node.states.map(({ name }) => name.text);
  const index = names.indexOf(state.text);
  if (index !== -1) return { node: found.node, state: index };
  if (!found.node.damaged) {
    const help = suggest(state.text, names, `its states are ${names.join(', ')}`);
    const message = `the mode \`${mode.text}\` has no state \`${state.text}\``;
    build.report.error('PDL-N001', state.span, message, help);
  }
  return null;
}

/**
 * `mode(m) == s`, `!= s` or `in { s, … }`. A site is compiled once for each combination of states it asks
 * about, so that the answer is a constant there; elsewhere only the types count.
 */
export function compileModeTest(
  build: Build,
  module: Module,
  operand: Extract<OperandNode, { kind: 'mode' }>,
  test: TestNode | null,
): Formula | null {
  const values =
    test?.kind === 'compare' && ['==', '!='].includes(test.operator)
      ? [test.value]
      : test?.kind === 'in' && test.set.kind !== 'name'
        ? test.set.items
        : null;
  if (values === null) {
    const help = 'write `mode(NAME) == STATE`, `!= STATE` or `in { STATE, … }`';
    build.report.error('PDL-Y001', operand.span, 'a mode has no order and is no condition by itself', help);
    return null;
  }
  const found = values.map((value) => stateOf(build, module, operand.name, value));
  const node = found[0]?.node;
  if (found.includes(null) || node === undefined) return null;
  build.modesAsked.add(node);
  const current = build.states?.get(node);
  const negated = test?.kind === 'compare' ? test.operator === '!=' : test?.kind === 'in' && test.negated;
  const is = found.some((each) => each!.state === current);
  return { kind: 'constant', value: is !== negated };
}
