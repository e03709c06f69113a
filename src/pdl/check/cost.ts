/** B001: what one decision costs, and what makes it dear. */
import type { Program, Site } from '../ir.ts';
import type { Subject } from './subject.ts';

/** Nanoseconds of each part of a decision, measured on one core of a server; a guide, not a promise. */
const NANOSECONDS = { base: 4, cidr: 26, hash: 8, codes: 2, number: 1, cube: 0.45, signal: 1 } as const;
/** What a full decision may take. */
const BUDGET_NS = 3000;

export interface Cost {
  /** Worst case of the dearest site, in nanoseconds. */
  readonly nanoseconds: number;
  /** The rule or signal that adds the most to it, with what it adds. */
  readonly dearest: { readonly name: string; readonly nanoseconds: number } | null;
}

/** All prefixes of an address are looked up at once, so its first test pays for the others. */
export function costOf(program: Program): Cost {
  const sites = program.sites.map((site) => costOfSite(program, site));
  return sites.reduce((a, b) => (b.nanoseconds > a.nanoseconds ? b : a), { nanoseconds: 0, dearest: null });
}

function costOfSite(program: Program, site: Site): Cost {
  const paid = new Set<string>();
  let nanoseconds: number = NANOSECONDS.base;
  let dearest: Cost['dearest'] = null;
  const pay = (name: string, condition: Program['rules'][number]['when'], extra: number): void => {
    let own = condition.length * NANOSECONDS.cube + extra;
    for (const index of condition.flatMap(({ yes, no }) => [...yes, ...no])) {
      const atom = program.atoms[index]!;
      const kind = atom.kind === 'table' ? program.tables[atom.table]!.kind : atom.kind;
      const key = kind === 'cidr' ? JSON.stringify(atom.operand) : String(index);
      if (paid.has(key)) continue;
      paid.add(key);
      own += priceOf(kind);
    }
    nanoseconds += own;
    if (dearest === null || own > dearest.nanoseconds) dearest = { name, nanoseconds: own };
  };
  for (const index of site.rules) {
    const { tier, name, when } = program.rules[index]!;
    pay(`${tier} ${name}`, when, 0);
  }
  if (site.canaryLadder) pay('the canary ladder', site.canaryLadder.when, 0);
  for (const { name, when } of program.scores[site.score]?.signals ?? []) {
    pay(`signal ${name}`, when ?? [], NANOSECONDS.signal);
  }
  return { nanoseconds: Math.round(nanoseconds), dearest };
}

function priceOf(kind: string): number {
  if (kind === 'cidr') return NANOSECONDS.cidr;
  if (kind === 'any' || kind === 'all') return NANOSECONDS.codes;
  return ['hash', 'host', 'number'].includes(kind) ? NANOSECONDS.hash : NANOSECONDS.number;
}

export function checkCost({ program, origins, report }: Subject): void {
  program.sites.forEach((site, index) => {
    const { nanoseconds, dearest } = costOfSite(program, site);
    const node = origins.sites.get(index);
    if (nanoseconds <= BUDGET_NS || !node) return;
    const message = `a decision of site \`${site.name}\` may take ${nanoseconds} ns, more than ${BUDGET_NS}`;
    report.warning(
      'PDL-B004',
      node.name.span,
      message,
      'put tests on one fact into one set, or remove rules',
      {
        notes: dearest
          ? [`\`${dearest.name}\` is the dearest, with ${Math.round(dearest.nanoseconds)} ns`]
          : [],
      },
    );
  });
}
