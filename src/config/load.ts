/** Reads `sallyport.yaml`: flags beat `SALLYPORT_*` variables beat the file beat the defaults. */
import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import { checkConfig } from './check.ts';
import { parseConfigDocument } from './document.ts';
import { collectOverrides, type Flags } from './overrides.ts';
import { resolveConfig } from './resolve.ts';
import type { Config } from './schema.ts';
import { validateStructure } from './validate.ts';

/** `problems` holds at least one error, in the order of the file; warnings come with either. */
export type LoadResult =
  | { readonly config: Config; readonly warnings: readonly Diagnostic[] }
  | { readonly problems: readonly Diagnostic[] };

/**
 * Loads and checks a configuration. Never throws for what an operator wrote: every problem is a
 * diagnostic with its place, several at once.
 */
export function loadConfig(file: string, env: NodeJS.ProcessEnv, flags: Flags): LoadResult {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { problems: [unreadable(file, error as NodeJS.ErrnoException)] };
  }
  return parseConfig(file, text, env, flags);
}

/** `loadConfig` for text that is already read; `file` gives relative paths their base. */
export function parseConfig(file: string, text: string, env: NodeJS.ProcessEnv, flags: Flags): LoadResult {
  const problems: Diagnostic[] = [];
  const document = parseConfigDocument(file, text, collectOverrides(env, flags), problems);
  if (problems.length === 0) problems.push(...validateStructure(document));
  if (problems.length > 0) return { problems: inOrder(problems) };

  const config = resolveConfig(document, problems);
  problems.push(...checkConfig(config, document, Date.now()));
  if (problems.some(({ severity }) => severity === 'error')) return { problems: inOrder(problems) };
  return { config, warnings: inOrder(problems) };
}

function inOrder(problems: Diagnostic[]): Diagnostic[] {
  return problems.sort((a, b) => a.line - b.line || a.column - b.column);
}

function unreadable(file: string, error: NodeJS.ErrnoException): Diagnostic {
  const missing = error.code === 'ENOENT';
  return {
    code: 'CFG-F001',
    severity: 'error',
    file,
    line: 1,
    column: 1,
    endLine: 1,
    endColumn: 2,
    message: missing ? `there is no configuration file ${file}` : `cannot read ${file}: ${error.message}`,
    help: missing
      ? 'write one with `sallyport init`, or name another with --config'
      : 'check its permissions',
  };
}
