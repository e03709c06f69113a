/** Conditions: a disjunction of cubes over the evaluated atoms. */
import { CUBE_BYTES, CUBE_NO_AT, CUBE_YES_AT, SECTION_CUBE } from './abi/layout.gen';
import { ATOMS_FALSE, ATOMS_PENDING, ATOMS_TRUE } from './atoms';
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

/** Every `yes` atom must be true and every `no` atom false: an unknown one never is, a pending one may be. */
function evaluateCube(cube: usize): i32 {
  if (ASC_FEATURE_SIMD) {
    const missing = v128.or(
      v128.andnot(v128.load(cube, CUBE_YES_AT), v128.load(ATOMS_TRUE)),
      v128.andnot(v128.load(cube, CUBE_NO_AT), v128.load(ATOMS_FALSE)),
    );
    if (!v128.any_true(missing)) return HOLDS;
    return v128.any_true(v128.andnot(missing, v128.load(ATOMS_PENDING))) ? NEVER : MAYBE;
  }
  const missing0 =
    (load<u64>(cube, CUBE_YES_AT) & ~load<u64>(ATOMS_TRUE)) |
    (load<u64>(cube, CUBE_NO_AT) & ~load<u64>(ATOMS_FALSE));
  const missing1 =
    (load<u64>(cube, CUBE_YES_AT + 8) & ~load<u64>(ATOMS_TRUE, 8)) |
    (load<u64>(cube, CUBE_NO_AT + 8) & ~load<u64>(ATOMS_FALSE, 8));
  if ((missing0 | missing1) == 0) return HOLDS;
  const pending0 = load<u64>(ATOMS_PENDING);
  const pending1 = load<u64>(ATOMS_PENDING, 8);
  return ((missing0 & ~pending0) | (missing1 & ~pending1)) == 0 ? MAYBE : NEVER;
}
