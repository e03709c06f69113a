/**
 * Every finding by its code: what it means, what to avoid, what to prefer, and why. `sallyport explain`, the
 * language server and docs/diagnostics.md read it from here, and the tests compile its examples.
 */

import { MEANING } from './catalogue-meaning.ts';
import { STRUCTURE } from './catalogue-structure.ts';
import { SUPPORT } from './catalogue-support.ts';
import { TEXT } from './catalogue-text.ts';
import type { Severity } from './diagnostic.ts';

export interface CatalogueEntry {
  readonly code: string;
  readonly severity: Severity;
  /** What is found, in a few words. */
  readonly title: string;
  readonly why: string;
  /**
   * Examples: declarations, rules of a site (they begin with a tier, an annotation or a stage), or whole files
   * (they begin with `pdl`). The first one has the finding and the second one has not.
   */
  readonly avoid: string;
  readonly prefer: string;
  /** The examples are too large, or need more than one file, and only sketch the case. */
  readonly isSketch?: true;
}

/** A row of the tables: code, severity, title, why, avoid, prefer, and whether it is a sketch. */
export type CatalogueRow = readonly [
  code: string,
  severity: Severity,
  title: string,
  why: string,
  avoid: string,
  prefer: string,
  sketch?: 'sketch',
];

export const CATALOGUE: ReadonlyMap<string, CatalogueEntry> = new Map(
  [...TEXT, ...STRUCTURE, ...MEANING, ...SUPPORT].map(
    ([code, severity, title, why, avoid, prefer, sketch]) => {
      const entry = { code, severity, title, why, avoid, prefer };
      return [code, sketch ? { ...entry, isSketch: true as const } : entry];
    },
  ),
);
