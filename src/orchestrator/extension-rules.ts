/** Judges the extensions of a ClientHello by the rules of the policy that was chosen for it. */
import type { Verdict as Action, ExtensionRules } from '../pdl/ir.ts';
import { isStricter, type Verdict } from './verdict.ts';

type Rule = 'require' | 'forbid' | 'only' | 'max_count' | 'order';

/** `order` has no `else`; the other rules without one are compiled to the same. */
const DENIED: Action = { action: 'refuse', alert: 'access_denied' };

/**
 * The verdict once the policy's rules on extensions are heeded: of the rules that the hello breaks the one with the
 * strictest `else` wins, and all of them are named in `matched`. `types` are in the client's order, without GREASE.
 */
export function heedExtensions(verdict: Verdict, types: readonly number[]): Verdict {
  const rules = verdict.policy?.extensions;
  if (rules === undefined || verdict.action.action !== 'accept') return verdict;
  let action: Action = verdict.action;
  const matched = [...verdict.matched];
  const blame = (rule: Rule, otherwise: Action): void => {
    matched.push(`extensions.${rule}`);
    if (isStricter(otherwise, action)) action = otherwise;
  };
  const { require, forbid, only, maxCount } = rules;
  if (require !== null && !require.types.every((type) => types.includes(type))) {
    blame('require', require.otherwise);
  }
  if (forbid !== null && types.some((type) => forbid.types.includes(type))) blame('forbid', forbid.otherwise);
  if (only !== null && !types.every((type) => only.types.includes(type))) blame('only', only.otherwise);
  if (maxCount !== null && types.length > maxCount.count) blame('max_count', maxCount.otherwise);
  if (rules.order === 'fixed' && !isInOrder(rules, types)) blame('order', DENIED);
  if (matched.length === verdict.matched.length) return verdict;
  if (action === verdict.action) return { ...verdict, matched };
  return { ...verdict, action, matched, tier: 'extensions', challenge: null, difficulty: 0 };
}

/** Do the types come in the order in which `require` and `only` list them? Others may stand anywhere. */
function isInOrder({ require, only }: ExtensionRules, types: readonly number[]): boolean {
  return [require, only].every((rule) => {
    const places = (rule?.types ?? []).map((type) => types.indexOf(type)).filter((place) => place !== -1);
    return places.every((place, i) => i === 0 || places[i - 1]! < place);
  });
}
