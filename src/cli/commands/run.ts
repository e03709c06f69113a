/** `sallyport run`: starts the edge and minds the signals until it has stopped. */
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { loadConfig } from '../../config/load.ts';
import type { Flags } from '../../config/overrides.ts';
import type { Config } from '../../config/schema.ts';
import { type PreparedDemo, prepareDemo } from '../../demo/demo.ts';
import { DeploymentError, type Supervisor, startSupervisor } from '../../edge/supervisor.ts';
import { createLog } from '../../observe/log.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, printDiagnostics } from '../output.ts';

/** Longest that Ctrl-C waits for open connections. */
const INTERRUPT_DRAIN_MS = 1_000;

/** Resolves with the exit code once the edge has stopped. */
export async function run(configFile: string, demo: boolean, flags: Flags): Promise<number> {
  return demo ? await runDemo(flags) : await serve(load(resolve(configFile), flags), null);
}

async function runDemo(flags: Flags): Promise<number> {
  const prepared = await prepareDemo(process.cwd());
  try {
    const config = load(prepared.configFile, { logLevel: 'warn', ...flags });
    return await serve(config, prepared.instructions);
  } finally {
    await prepared.close();
  }
}

/** @throws CliError after printing what is wrong. */
function load(file: string, flags: Flags): Config {
  const loaded = loadConfig(file, process.env, flags);
  const problems = 'problems' in loaded ? loaded.problems : loaded.warnings;
  printDiagnostics(problems, new Map(), 'problems' in loaded ? chooseFormat(undefined) : 'human');
  if ('problems' in loaded) throw new CliError(`${file} cannot be used`);
  return loaded.config;
}

async function serve(config: Config, instructions: PreparedDemo['instructions'] | null): Promise<number> {
  const log = createLog(config.log.level);
  const supervisor = await start(config, log);
  if (instructions) process.stdout.write(instructions(config, supervisor.addresses[0]!));
  else log.info({ addresses: supervisor.addresses }, 'serving');
  await untilStopped(supervisor, log);
  return EXIT.ok;
}

async function start(config: Config, log: Logger): Promise<Supervisor> {
  try {
    return await startSupervisor({ config, log });
  } catch (error) {
    if (error instanceof DeploymentError) {
      printDiagnostics(error.diagnostics, new Map(), chooseFormat(undefined));
      throw new CliError(`cannot start: ${error.message}`);
    }
    throw new CliError(startMessage(error as NodeJS.ErrnoException & { address?: string; port?: number }));
  }
}

/** One line that names what to change. */
function startMessage(error: NodeJS.ErrnoException & { address?: string; port?: number }): string {
  const where = error.port === undefined ? error.message : `${error.address ?? ''}:${error.port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot start: ${where} is already in use; stop what uses the port, or choose another`;
    case 'EACCES':
      return `cannot start: no permission for ${where}`;
    case 'EADDRNOTAVAIL':
      return `cannot start: this machine has no address ${where}`;
    default:
      return `cannot start: ${error.message}`;
  }
}

/** Handles signals until the edge has stopped, then lets go of them. */
function untilStopped(supervisor: Supervisor, log: Logger): Promise<void> {
  return new Promise((resolved) => {
    let stopping = false;
    const finish = (work: Promise<void>): void => {
      work
        .catch((error: unknown) => log.error({ err: error }, 'stopping failed'))
        .finally(() => {
          for (const [signal, handler] of Object.entries(handlers)) process.off(signal, handler);
          resolved();
        });
    };
    const stopNow = (): void => finish(supervisor.stop());
    const drain = (timeoutMs?: number): void => {
      if (stopping) {
        stopNow();
        return;
      }
      stopping = true;
      log.info('draining; the next signal stops now');
      finish(supervisor.drain(timeoutMs));
    };
    const handlers = {
      SIGHUP: () => void reload(supervisor, log),
      SIGUSR1: () => supervisor.reopenLogs(),
      SIGTERM: () => drain(),
      SIGINT: () => drain(INTERRUPT_DRAIN_MS),
      SIGQUIT: stopNow,
    } satisfies Record<string, () => void>;
    for (const [signal, handler] of Object.entries(handlers)) process.on(signal, handler);
  });
}

/** The supervisor logs what came of it. */
async function reload(supervisor: Supervisor, log: Logger): Promise<void> {
  try {
    await supervisor.reload();
  } catch (error) {
    log.error({ err: error }, 'reload failed; the policy in force stays');
  }
}
