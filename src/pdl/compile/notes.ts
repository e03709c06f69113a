/** Annotations: what they mean, and what they allow. */

import { suggest } from '../diagnostics/closest.ts';
import type { Span } from '../ir.ts';
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

/** A warning, unless `@allow "CODE"` stands at the declaration. */
export function warnUnlessAllowed(
  build: Build,
  annotations: readonly Annotation[],
  code: string,
  span: Span,
  message: string,
  help: string,
): void {
  if (annotations.some(({ name, value }) => name.text === 'allow' && value === code)) return;
  build.report.warning(code, span, message, help);
}
