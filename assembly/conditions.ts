/** Conditions: a disjunction of cubes over the evaluated atoms. */
import { CUBE_BYTES, CUBE_NO_AT, CUBE_YES_AT, SECTION_CUBE } from './abi/layout.gen';
import { ATOMS_FALSE, ATOMS_MAYBE_FALSE, ATOMS_MAYBE_TRUE, ATOMS_TRUE } from './atoms';
import { section } from './image';

/** It does not hold and no later phase can change that. */
export const NEVER: i32 = 0;
/** It does not hold, but facts of a later phase could make it. */
export const MAYBE: i32 = 1;
/** It holds whatever comes. */
export const HOLDS: i32 = 2;

/** The best that any of `count` cubes from `first` says; NEVER when there is none. */
export function evaluateCondition(image: usize, first: i32, count: i32): i32 {
  let best = NEVER;
  let cube = section(image, SECTION_CUBE) + first * CUBE_BYTES;
  for (let i = 0; i < count; i++) {
    const state = evaluateCube(cube);
    if (state == HOLDS) return HOLDS;
    best = max(best, state);
    cube += CUBE_BYTES;
  }
  return best;
}

/**
 * Every `yes` atom must be true and every `no` atom false: an unknown one never is, a pending one may be. Most cubes
 * fail at once.
 */
function evaluateCube(cube: usize): i32 {
  if (ASC_FEATURE_SIMD) {
    const yes = v128.load(cube, CUBE_YES_AT);
    const no = v128.load(cube, CUBE_NO_AT);
    const barred = v128.or(
      v128.andnot(yes, v128.load(ATOMS_MAYBE_TRUE)),
      v128.andnot(no, v128.load(ATOMS_MAYBE_FALSE)),
    );
    if (v128.any_true(barred)) return NEVER;
    const missing = v128.or(v128.andnot(yes, v128.load(ATOMS_TRUE)), v128.andnot(no, v128.load(ATOMS_FALSE)));
    return v128.any_true(missing) ? MAYBE : HOLDS;
  }
  const yes0 = load<u64>(cube, CUBE_YES_AT);
  const yes1 = load<u64>(cube, CUBE_YES_AT + 8);
  const no0 = load<u64>(cube, CUBE_NO_AT);
  const no1 = load<u64>(cube, CUBE_NO_AT + 8);
  const barred =
    (yes0 & ~load<u64>(ATOMS_MAYBE_TRUE)) |
    (yes1 & ~load<u64>(ATOMS_MAYBE_TRUE, 8)) |
    (no0 & ~load<u64>(ATOMS_MAYBE_FALSE)) |
    (no1 & ~load<u64>(ATOMS_MAYBE_FALSE, 8));
  if (barred != 0) return NEVER;
  const missing =
    (yes0 & ~load<u64>(ATOMS_TRUE)) |
    (yes1 & ~load<u64>(ATOMS_TRUE, 8)) |
    (no0 & ~load<u64>(ATOMS_FALSE)) |
    (no1 & ~load<u64>(ATOMS_FALSE, 8));
  return missing == 0 ? HOLDS : MAYBE;
}
