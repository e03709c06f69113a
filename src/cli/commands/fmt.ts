/** `sallyport fmt`: brings policies into their canonical form. */
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { format as formatPolicy } from '../../pdl/format/format.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, printDiagnostics } from '../output.ts';
import { replaceFile } from '../replace-file.ts';

/** What `-`, and no file at all, is called in diagnostics. */
const STDIN = '<stdin>';

interface Options {
  /** Write nothing; name the files that are not in canonical form on standard output. */
  readonly check: boolean;
  /** How syntax errors are shown. */
  readonly format: Format | undefined;
}

/** Exit code 1 when a file has syntax errors or, with `check`, is not in canonical form. */
export async function fmt(files: readonly string[], options: Options): Promise<number> {
  let code: number = EXIT.ok;
  for (const file of files.length === 0 ? ['-'] : files) {
    const name = file === '-' ? STDIN : file;
    const text = decode(name, file === '-' ? await buffer(process.stdin) : readPolicy(file));
    const formatted = formatPolicy(name, text);
    if (formatted.text === null) {
      printDiagnostics(formatted.diagnostics, new Map([[name, text]]), chooseFormat(options.format));
      code = EXIT.problem;
    } else if (options.check) {
      if (formatted.text === text) continue;
      process.stdout.write(`${name}\n`);
      code = EXIT.problem;
    } else if (file === '-') process.stdout.write(formatted.text);
    else if (formatted.text !== text) {
      replaceFile(file, formatted.text);
      process.stderr.write(`${file}: formatted\n`);
    }
  }
  return code;
}

function readPolicy(file: string): Uint8Array {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as Error).message}`);
  }
}

/** Text of another encoding would be damaged when it is written back. */
function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError(`${name} is not UTF-8 text: save it as UTF-8 first`);
  }
}
