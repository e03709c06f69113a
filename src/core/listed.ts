/** Where the host tells the core what DNS lists say: as rates, behind those of the counters. */
import type { Program } from '../pdl/ir.ts';

/** By index in `Program.feeds`, for feeds that are DNS lists: the rate to set, 1 for listed and 0 for not. */
export function listedRates({ counters, feeds }: Program): ReadonlyMap<number, number> {
  const lists = feeds.flatMap(({ source }, index) => (source === 'dnsbl' ? [index] : []));
  return new Map(lists.map((feed, position) => [feed, counters.length + position]));
}
