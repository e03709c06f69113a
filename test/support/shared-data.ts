/** The real-world data that lies beside the repository on the project's machines. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const DATA = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** Reason for skipping a test of `path`, or false when the file is there. */
export function missing(path: string): string | false {
  return existsSync(DATA + path) ? false : `../shared/data/${path} is not on this machine`;
}

/** One parsed value a line; `.gz` files are unpacked. */
// biome-ignore lint/suspicious/noExplicitAny: the rows' shapes differ by file and are checked by the tests
export function readLines(path: string): any[] {
  const raw = readFileSync(DATA + path);
  const text = (path.endsWith('.gz') ? gunzipSync(raw) : raw).toString();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

// biome-ignore lint/suspicious/noExplicitAny: as above
export function readJson(path: string): any {
  return JSON.parse(readFileSync(DATA + path, 'utf8'));
}

export function readText(path: string): string {
  return readFileSync(DATA + path, 'utf8');
}

/** Where a file lies, for programs and readers of binary data. */
export function sharedPath(path: string): string {
  return DATA + path;
}
