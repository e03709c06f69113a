/** Clients other than our own: curl and openssl, run as a user would. */
import { execFile, spawn } from 'node:child_process';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a failure is a result, not an exception. */
export function run(
  program: string,
  args: readonly string[],
  input = '',
  timeout = 20_000,
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = execFile(program, [...args], { timeout, maxBuffer: 256 << 20 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

/** A reason to skip when a program is missing, else false. */
export function missing(program: string): Promise<string | false> {
  return new Promise((resolve) => {
    const child = spawn(program, ['--version'], { stdio: 'ignore' });
    child.on('error', () => resolve(`${program} is not installed`));
    child.on('close', () => resolve(false));
  });
}

/** `openssl s_client` towards 127.0.0.1, with nothing to say; its stderr names the alert that ended it. */
export function sClient(port: number | string, ...options: readonly string[]): Promise<Finished> {
  return run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, ...options]);
}
