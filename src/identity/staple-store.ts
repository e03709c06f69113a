/** Last good OCSP answers about our own certificates, as files `openssl ocsp -respin` reads: DER, named by the certificate. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceWhole } from '../store/replace.ts';

const COPY = /^[0-9a-f]{64}\.der$/;

export class StapleStore {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  #path(fingerprint: string): string {
    return join(this.#directory, `${fingerprint}.der`);
  }

  /** Null when there is none that can be read. Whoever reads it must verify it. */
  read(fingerprint: string): Uint8Array | null {
    try {
      return readFileSync(this.#path(fingerprint));
    } catch {
      return null;
    }
  }

  /** @throws the system error of the folder. */
  write(fingerprint: string, response: Uint8Array): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    replaceWhole(this.#path(fingerprint), response);
  }

  /** @throws the system error of the folder. */
  remove(fingerprint: string): void {
    rmSync(this.#path(fingerprint), { force: true });
  }

  /** Removes the answers about certificates that are not among these. @throws the system error of the folder. */
  keep(fingerprints: ReadonlySet<string>): void {
    let names: string[] = [];
    try {
      names = readdirSync(this.#directory);
    } catch {
      return;
    }
    for (const name of names) {
      if (COPY.test(name) && !fingerprints.has(name.slice(0, 64))) this.remove(name.slice(0, 64));
    }
  }
}
