import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formOf, Modes, type SystemFacts } from '../../src/orchestrator/modes.ts';
import { compile } from '../../src/pdl/compile/compile.ts';
import type { Program } from '../../src/pdl/ir.ts';
import { BASE } from '../pdl/support.ts';

const POSTURE = `mode posture {
  state normal initial
  state elevated enter when sys.inflight > 10 for 2s
    leave when sys.inflight < 5 for 3s
  state siege enter when sys.inflight > 100 for 1s
    leave when sys.inflight < 50 for 3s
}`;

function programOf(more: string): Program {
  const { program, diagnostics } = compile({ path: 'x.pdl', text: `${BASE}${more}\n` }, () => null);
  assert.ok(program, JSON.stringify(diagnostics));
  return program;
}

const IDLE: SystemFacts = { inflight: 0, handshakes: 0, load: 0, hour: 0, weekday: 0, nowMs: 0 };

/** The states of the first mode after each step of `[second, open connections]`. */
function course(modes: Modes, steps: readonly (readonly [number, number])[]): string[] {
  return steps.map(([seconds, inflight]) => {
    modes.update({ ...IDLE, inflight, nowMs: seconds * 1_000 });
    return modes.list()[0]!.state;
  });
}

function started(text: string): { modes: Modes; program: Program; states: Int32Array } {
  const program = programOf(text);
  const modes = new Modes();
  return { modes, program, states: new Int32Array(modes.load(program, 0)) };
}

test('a state is entered once its condition has held for as long as it says', () => {
  const { modes } = started(POSTURE);
  const states = course(modes, [
    [0, 11],
    [1, 11],
    [2, 11],
  ]);
  assert.deepEqual(states, ['normal', 'normal', 'elevated']);
});

test('a condition that breaks off starts again', () => {
  const { modes } = started(POSTURE);
  const states = course(modes, [
    [0, 11],
    [1.5, 10],
    [2, 11],
    [3.9, 11],
    [4, 11],
  ]);
  assert.deepEqual(states, ['normal', 'normal', 'normal', 'normal', 'elevated']);
});

test('between the bounds of enter and leave a state stays', () => {
  const { modes } = started(POSTURE);
  const states = course(modes, [
    [0, 11],
    [2, 11],
    [3, 7],
    [60, 7],
    [61, 4],
    [63, 4],
    [64, 4],
  ]);
  assert.deepEqual(states.slice(1), ['elevated', 'elevated', 'elevated', 'elevated', 'elevated', 'normal']);
});

test('the gravest of the states that are due is entered, and left for the one that still is', () => {
  const { modes } = started(POSTURE);
  const states = course(modes, [
    [0, 200],
    [1, 200],
    [10, 20],
    [12, 20],
    [13, 20],
    [20, 1],
    [23, 1],
  ]);
  assert.deepEqual(states.slice(1), ['siege', 'siege', 'siege', 'elevated', 'elevated', 'normal']);
});

test('states without a leave follow one another by their conditions', () => {
  const { modes } = started(`mode shift {
    state day initial enter when time.hour in 6..21 for 1ms
    state night enter when not time.hour in 6..21 for 1ms
  }`);
  const states = [12, 12, 23, 23, 6, 6].map((hour, index) => {
    modes.update({ ...IDLE, hour, nowMs: index * 1_000 });
    return modes.list()[0]!.state;
  });
  assert.deepEqual(states, ['day', 'day', 'day', 'night', 'night', 'day']);
});

test('a state that an operator holds stays until it is let go', () => {
  const { modes, states } = started(POSTURE);
  assert.equal(modes.force('posture', 'siege', 5)!.forced, true);
  assert.equal(states[0], 2);
  assert.deepEqual(
    course(modes, [
      [10, 0],
      [99, 0],
    ]),
    ['siege', 'siege'],
  );
  assert.equal(modes.force('posture', null, 100_000)!.state, 'siege');
  assert.deepEqual(course(modes, [[101, 0]]), ['normal']);
});

test('a mode or state that is not there cannot be forced', () => {
  const { modes } = started(POSTURE);
  assert.equal(modes.force('posture', 'panic', 0), null);
  assert.equal(modes.force('weather', 'siege', 0), null);
  assert.equal(modes.list()[0]!.forced, false);
});

test('a reload keeps the state of a mode that kept its states, and starts others anew', () => {
  const { modes } = started(POSTURE);
  modes.force('posture', 'siege', 5);
  const kept = new Int32Array(modes.load(programOf(POSTURE.replace('> 100', '> 90')), 10));
  assert.equal(kept[0], 2);
  assert.equal(modes.list()[0]!.forced, true);
  const anew = new Int32Array(modes.load(programOf(POSTURE.replace('state siege', 'state alarm')), 20));
  assert.equal(anew[0], 0);
});

test('a site takes the form that its modes give it, and another site is its own form', () => {
  const { program, modes, states } = started(`${POSTURE}
mode weather { state dry initial  state wet enter when sys.load > 90% for 1s }
site odd {
  listen edge  sni { "odd.test" }  score risk
  ladder { from 0 use low }
  on_error use low
  during posture siege { deny all when hello.size > 0B do drop }
  during weather wet { deny wet when hello.size > 1B do reset }
}`);
  const site = program.sites.findIndex(({ name, listeners }) => name === 'odd' && listeners.length > 0);
  const rules = (): readonly string[] =>
    program.sites[formOf(program, site, states)]!.rules.map((rule) => program.rules[rule]!.name);
  assert.deepEqual(rules(), []);
  modes.force('weather', 'wet', 1);
  assert.deepEqual(rules(), ['wet']);
  modes.force('posture', 'siege', 1);
  assert.deepEqual([...rules()].sort(), ['all', 'wet']);
  modes.force('weather', 'dry', 1);
  assert.deepEqual(rules(), ['all']);
  const main = program.sites.findIndex(({ name }) => name === 'main');
  assert.equal(formOf(program, main, states), main);
});
