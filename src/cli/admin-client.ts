/** Requests to the admin API of a running edge. */
import { request } from 'node:http';
import { resolve } from 'node:path';
import { readToken } from '../admin/token.ts';
import { formatAddress, parseAddress } from '../config/address.ts';
import { loadConfig } from '../config/load.ts';
import type { Address } from '../config/schema.ts';
import { CliError, EXIT } from './exit.ts';
import { printDiagnostics } from './output.ts';

/** Where the edge is: flags first, the configuration for what they leave open. */
export interface AdminOptions {
  readonly config: string;
  readonly adminAddress?: string;
  readonly tokenFile?: string;
}

export interface AdminAnswer {
  readonly status: number;
  /** Parsed JSON. */
  readonly body: unknown;
}

const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/**
 * One request; resolves with any answer but 401.
 * @throws CliError when the edge cannot be reached, does not take the token, or answers something else than JSON.
 */
export async function askAdmin(
  options: AdminOptions,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<AdminAnswer> {
  const { address, tokenFile } = adminTarget(options);
  const { status, text } = await send(address, adminToken(tokenFile), method, path, body);
  if (status === 401) throw new CliError(`the edge does not accept the token in ${tokenFile}`);
  try {
    return { status, body: JSON.parse(text) };
  } catch {
    throw new CliError(`the admin API at ${formatAddress(address)} answered ${status} without JSON`);
  }
}

/** The body of an answer of 200. @throws CliError with what the API says otherwise. */
export async function askAdminFor<T>(
  options: AdminOptions,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<T> {
  const answer = await askAdmin(options, method, path, body);
  if (answer.status === 200) return answer.body as T;
  const { error } = answer.body as { readonly error?: { readonly message?: string } };
  throw new CliError(error?.message ?? `the admin API answered ${answer.status}`);
}

/** The address of the admin API and the file with its token. @throws CliError when they cannot be told. */
export function adminTarget(options: AdminOptions): {
  readonly address: Address;
  readonly tokenFile: string;
} {
  const given = options.adminAddress === undefined ? null : parseAddress(options.adminAddress);
  if (given === null && options.adminAddress !== undefined) {
    throw new CliError(`not an address: ${options.adminAddress}`, EXIT.usage);
  }
  if (given !== null && options.tokenFile !== undefined)
    return { address: given, tokenFile: options.tokenFile };
  const loaded = loadConfig(resolve(options.config), process.env, {});
  if ('problems' in loaded) {
    printDiagnostics(loaded.problems, new Map(), 'human');
    throw new CliError('without a configuration, name the edge with --admin-address and --token-file');
  }
  const { admin } = loaded.config;
  if (admin === null) throw new CliError(`${loaded.config.file} turns the admin API off`);
  return { address: given ?? admin.address, tokenFile: options.tokenFile ?? admin.tokenFile };
}

/** @throws CliError when it cannot be read. */
export function adminToken(file: string): string {
  try {
    return readToken(file);
  } catch (error) {
    throw new CliError(`cannot read the admin token: ${(error as Error).message}`);
  }
}

function send(
  address: Address,
  bearer: string,
  method: string,
  path: string,
  body: object | undefined,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolved, rejected) => {
    const fail = (error: Error): void => {
      rejected(new CliError(`cannot reach the admin API at ${formatAddress(address)}: ${error.message}`));
    };
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const headers = { authorization: `Bearer ${bearer}`, ...json };
    const { host, port } = address;
    const call = request({ host, port, path, method, headers, timeout: TIMEOUT_MS }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => resolved({ status: response.statusCode ?? 0, text }));
      response.on('error', fail);
    });
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', fail);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
