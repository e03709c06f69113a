/** The files of the demo: whole or absent, so a run that is cut short leaves nothing half written. */
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

export function writePublic(file: string, text: string): void {
  replace(file, text, 0o644);
}

/** Readable by its owner only, from the first byte on. */
export function writePrivate(file: string, text: string): void {
  replace(file, text, 0o600);
}

/** The file's text; when it is missing it is written first with what `make` answers. */
export function readOrWrite(
  file: string,
  make: () => string,
  write: typeof writePublic = writePublic,
): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const text = make();
  write(file, text);
  return text;
}

function replace(file: string, text: string, mode: number): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode });
  // why: the mode above applies only to a new file, and is narrowed by the umask.
  chmodSync(temporary, mode);
  renameSync(temporary, file);
}
