/** Exit codes of every verb, and the error that carries one to the top. */

export const EXIT = { ok: 0, problem: 1, usage: 2 } as const;

/** Ends the command with a message of one line on standard error. */
export class CliError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.problem) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}
