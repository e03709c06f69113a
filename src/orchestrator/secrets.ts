/** Reads the secrets a program names. Their values never reach a log, an image or a message. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import type { Program, Secret } from '../pdl/ir.ts';

/** A shorter key could be guessed (RFC 2104 section 3 wants at least the hash's length for full strength). */
export const MIN_SECRET_BYTES = 16;

function read(secret: Secret, env: NodeJS.ProcessEnv): Uint8Array | string {
  if (secret.source === 'env') {
    const value = env[secret.path];
    return value === undefined ? 'the environment variable is not set' : Buffer.from(value, 'utf8');
  }
  try {
    const bytes = readFileSync(resolve(dirname(secret.declaredIn), secret.path));
    // why: editors end a file with a newline that nobody means to be part of the key.
    return bytes.at(-1) === 0x0a ? bytes.subarray(0, -1) : bytes;
  } catch (error) {
    return `the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`;
  }
}

/** Values by index in `Program.secrets`; a missing or short one is an error. */
export function loadSecrets(
  program: Program,
  env: NodeJS.ProcessEnv,
): { readonly secrets: readonly Uint8Array[]; readonly diagnostics: readonly Diagnostic[] } {
  const secrets: Uint8Array[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const secret of program.secrets) {
    const where = `secret ${secret.name} (from ${secret.source} "${secret.path}")`;
    const value = read(secret, env);
    if (typeof value === 'string') {
      const help =
        secret.source === 'env' ? `set ${secret.path} to at least 16 random bytes` : 'check path and rights';
      diagnostics.push(fileProblem(secret.declaredIn, 'SECRET-001', `${where}: ${value}`, help));
    } else if (value.length < MIN_SECRET_BYTES) {
      const message = `${where}: ${value.length} bytes are too few; ${MIN_SECRET_BYTES} are needed`;
      diagnostics.push(
        fileProblem(secret.declaredIn, 'SECRET-002', message, 'make one with: openssl rand -hex 32'),
      );
    } else {
      secrets.push(value);
      continue;
    }
    secrets.push(new Uint8Array());
  }
  return { secrets, diagnostics };
}
