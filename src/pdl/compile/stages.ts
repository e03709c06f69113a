/** `shadow` and `canary`: lines that are only watched, or in force for some clients. */

import type { Atom, Canary } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { StageNode } from '../syntax/ast.ts';
import type { Build } from './build.ts';
import { and, atom, type Formula } from './formula.ts';
import { compileKey } from './source.ts';
import { percentOf } from './units.ts';

const CONN_IP = FACTS.findIndex((fact) => fact.name === 'conn.ip');
/** Parts per million in one of `percentOf`'s units. */
const WHOLE = 1_000_000;

/** True when the line is only watched. */
export function isShadow(stage: StageNode | null): boolean {
  return stage?.kind === 'shadow';
}

/** The test that a connection is in the canary called `name`; null for a line that is in force for all. */
export function canaryTest(build: Build, stage: StageNode | null, name: string): Atom | null {
  if (stage?.kind !== 'canary') return null;
  const share = percentOf(stage.percent!.text);
  if (share < 1 || share > WHOLE) {
    const message = `\`${stage.percent!.text}\` is no share of the clients`;
    const help = 'write more than 0% and at most 100%, or `shadow` for what is to be in force for nobody yet';
    build.report.error('PDL-C003', stage.percent!.span, message, help);
  }
  const key = stage.key.length === 0 ? [{ fact: CONN_IP, v4: 32, v6: 64 }] : compileKey(build, stage.key);
  const canary: Canary = { name, key, share };
  const operand = { canary: build.canary(canary) };
  return { kind: 'range', operand, min: 0, max: share - 1 };
}

/** The condition of a line, narrowed to the clients of its canary. */
export function narrowed(condition: Formula | null, test: Atom | null): Formula | null {
  return condition === null || test === null ? condition : and([atom(test), condition]);
}
