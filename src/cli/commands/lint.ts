/** `sallyport lint`: what a check finds in policies, and with `--fix` the safe fixes applied. */
import { dirname, resolve } from 'node:path';
import { readSource } from '../../orchestrator/compile-policy.ts';
import { compile } from '../../pdl/compile/compile.ts';
import type { Load } from '../../pdl/compile/modules.ts';
import type { Diagnostic } from '../../pdl/diagnostics/diagnostic.ts';
import { fixAll } from '../../pdl/fix/fix.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, printDiagnostics, useColor } from '../output.ts';
import { policyFiles, shownPath } from '../policy-files.ts';
import { replaceFile } from '../replace-file.ts';
import { painter } from '../style.ts';

export interface LintOptions {
  readonly fix?: true;
  readonly format?: Format;
}

/** Exit code 1 when a warning or an error is left; what is merely worth knowing is shown and not counted. */
export function lint(paths: readonly string[], options: LintOptions): number {
  const format = chooseFormat(options.format);
  let left = 0;
  for (const file of policyFiles(paths)) {
    const path = resolve(file);
    const text = readText(file);
    const check = (changed: string): readonly Diagnostic[] =>
      compile({ path, text: changed }, load, { infos: true }).diagnostics;
    const {
      text: fixed,
      applied,
      diagnostics,
    } = options.fix === true ? fixAll(path, text, check) : { text, applied: [], diagnostics: check(text) };
    if (fixed !== text) replaceFile(file, fixed);
    printDiagnostics(diagnostics, new Map([[path, fixed]]), format);
    if (format === 'human') tell(file, applied, diagnostics);
    left += diagnostics.filter(({ severity }) => severity !== 'info').length;
  }
  return left > 0 ? EXIT.problem : EXIT.ok;
}

const load: Load = (imported, from) => {
  const source = readSource(resolve(dirname(from), imported));
  return 'code' in source ? null : source;
};

function readText(file: string): string {
  const source = readSource(resolve(file));
  if ('code' in source) throw new CliError(`${file}: ${source.message}`);
  return source.text;
}

function tell(file: string, applied: readonly Diagnostic[], left: readonly Diagnostic[]): void {
  const paint = painter(useColor(process.stderr));
  for (const { code, line, message } of applied) {
    process.stderr.write(`${paint('green', 'fixed')} ${shownPath(file)}:${line} ${code} ${message}\n`);
  }
  const count = left.filter(({ severity }) => severity !== 'info').length;
  const rest = count === 0 ? paint('green', 'nothing to mend') : `${count} left to mend`;
  process.stderr.write(
    `${paint('bold', file)}: ${applied.length > 0 ? `${applied.length} fixed, ` : ''}${rest}\n`,
  );
}
