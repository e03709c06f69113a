/** Compiles policies written in tests. */
import {
  type CompileOptions,
  type CompileResult,
  compile,
  type SourceFile,
} from '../../src/pdl/compile/compile.ts';
import type { Diagnostic } from '../../src/pdl/diagnostics/diagnostic.ts';

/** A policy without findings, to which a test adds what it is about. */
export const BASE = `pdl 1
import "std/tls" as tls
score risk { clamp 0..100  signal cleared_before +10 when client.cleared  signal base +90 when hello.grease }
policy low  extends tls.intermediate { }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site main {
  listen edge
  sni { "shop.example" }
  score risk
  ladder { from 0 use low  from 50 use high }
  on_error use low
}
`;

/** Compiles one file, or several of which `path` is the entry. */
export function compileText(
  text: string,
  others: Readonly<Record<string, string>> = {},
  path = 'main.pdl',
  options: CompileOptions = {},
): CompileResult {
  const load = (wanted: string): SourceFile | null => {
    const found = wanted === path ? text : others[wanted];
    return found === undefined ? null : { path: wanted, text: found };
  };
  return compile({ path, text }, load, options);
}

export function errorsOf(result: CompileResult): readonly Diagnostic[] {
  return result.diagnostics.filter(({ severity }) => severity === 'error');
}

/** Takes the marks `«` and `»` out of a text and tells the place between them, end exclusive. */
export function unmark(marked: string): { text: string; place: [number, number, number, number] } {
  const position = (before: string): [number, number] => {
    const lines = before.replaceAll(/[«»]/g, '').split('\n');
    return [lines.length, lines.at(-1)!.length + 1];
  };
  const start = position(marked.slice(0, marked.indexOf('«')));
  const end = position(marked.slice(0, marked.indexOf('»')));
  return { text: marked.replaceAll(/[«»]/g, ''), place: [...start, ...end] };
}

const RULE = /^(?:forbid|exempt|deny|pin|shadow|canary|@)/;

/** The whole file around an example of the catalogue. */
export function exampleFile(example: string): string {
  if (example.startsWith('pdl')) return `${example}\n`;
  const isRule =
    RULE.test(example) &&
    /^(?:forbid|exempt|deny|pin|shadow|canary)/m.test(example.replace(/^(?:@\w+ "[^"]*"\s*)+/, ''));
  return isRule ? `${BASE.slice(0, -2)}  ${example.replaceAll('\n', '\n  ')}\n}\n` : `${BASE}${example}\n`;
}
