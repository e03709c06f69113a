/** Annotations: notes that reach the audit, and findings that are allowed. */

import { suggest } from '../diagnostics/closest.ts';
import type { Annotation } from '../syntax/ast.ts';
import type { Build } from './build.ts';

const ANNOTATIONS = ['why', 'owner', 'ticket', 'expires', 'allow'];

/** Warns of annotations that mean nothing. */
export function checkAnnotations(build: Build, annotations: readonly Annotation[]): void {
  for (const { name } of annotations) {
    if (ANNOTATIONS.includes(name.text)) continue;
    const help = suggest(name.text, ANNOTATIONS, `annotations are ${ANNOTATIONS.join(', ')}`);
    build.report.warning('PDL-N008', name.span, `the annotation \`@${name.text}\` means nothing`, help);
  }
}
