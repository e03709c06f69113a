/** Rewriting a file that belongs to the user. */
import { chmodSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { CliError } from './exit.ts';

/** Whole or not at all, through links, with the rights the file had. @throws CliError when it cannot be written. */
export function replaceFile(file: string, text: string): void {
  try {
    const target = realpathSync(file);
    const beside = `${target}.${process.pid}.tmp`;
    writeFileSync(beside, text, { flag: 'wx' });
    chmodSync(beside, statSync(target).mode);
    renameSync(beside, target);
  } catch (error) {
    throw new CliError(`cannot write ${file}: ${(error as Error).message}`);
  }
}
