/** The maps of a program: feeds `to score`, which `lookup` reads. */
import type { Program } from '../pdl/ir.ts';
import * as L from './layout.gen.ts';
import { atMost } from './limits.ts';

/** By index in `Program.feeds`: the number of the map. @throws RangeError when there are more than the core takes. */
export function mapNumbers({ feeds }: Program): ReadonlyMap<number, number> {
  const maps = feeds.flatMap(({ toScore }, index) => (toScore ? [index] : []));
  atMost('feeds to score', maps.length, L.MAX_SCORE_MAPS);
  return new Map(maps.map((feed, number) => [feed, number]));
}
