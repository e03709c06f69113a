/** The whole edge as a library: what `sallyport run` starts, inside a program of your own. */
import { join, resolve } from 'node:path';
import { loadConfig, parseConfig } from '../config/load.ts';
import type { LogLevel } from '../config/schema.ts';
import { startSupervisor } from '../edge/supervisor.ts';
import { createLog } from '../observe/log.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';

export type { BoundListener } from '../edge/sockets.ts';
export { DeploymentError, type ReloadResult } from '../edge/supervisor.ts';

export interface EdgeOptions {
  /** Path of a `sallyport.yaml`, or its content as an object. */
  readonly config: string | Readonly<Record<string, unknown>>;
  /** What relative paths in a `config` object start from. Default: the working directory. */
  readonly directory?: string;
  /** Level of the process log, which goes to standard output. Default: what the configuration says. */
  readonly logLevel?: LogLevel;
  /** Where `SALLYPORT_*` variables are taken from. Default: none are. */
  readonly env?: NodeJS.ProcessEnv;
}

/** A running edge. */
export interface Edge {
  /** Where it listens, in the configuration's order, with the ports that were bound. */
  readonly addresses: readonly import('../edge/sockets.ts').BoundListener[];
  /** True while it accepts new connections. */
  readonly ready: boolean;
  /** Puts policy, feeds and certificates in force anew; when anything is wrong nothing changes. */
  reload(): Promise<import('../edge/supervisor.ts').ReloadResult>;
  status(): object;
  /** Takes no new connection, lets open ones end, and closes those left after `timeoutMs`. */
  drain(timeoutMs?: number): Promise<void>;
  /** Closes everything now. */
  stop(): Promise<void>;
}

/** The configuration cannot be used; `diagnostics` says where and why, `message` has the first of them. */
export class ConfigError extends Error {
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const first = diagnostics.find(({ severity }) => severity === 'error')!;
    super(`${first.file}:${first.line}:${first.column}: ${first.message}`);
    this.name = 'ConfigError';
    this.diagnostics = diagnostics;
  }
}

/**
 * Starts an edge; resolves once every worker accepts.
 * @throws ConfigError, DeploymentError (policy or certificates), or the system error of a port or file.
 */
export async function createEdge(options: EdgeOptions): Promise<Edge> {
  const { config, env = {}, logLevel } = options;
  const flags = logLevel === undefined ? {} : { logLevel };
  // why: JSON is YAML, so an object meets the same checks, with places in this text.
  const loaded =
    typeof config === 'string'
      ? loadConfig(resolve(config), env, flags)
      : parseConfig(
          join(resolve(options.directory ?? '.'), 'sallyport.yaml'),
          JSON.stringify(config, null, 2),
          env,
          flags,
        );
  if ('problems' in loaded) throw new ConfigError(loaded.problems);
  return await startSupervisor({ config: loaded.config, log: createLog(loaded.config.log.level) });
}
