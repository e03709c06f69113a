/** `sallyport reload`: asks a running edge, through its admin API, to read its policy again. */
import { request } from 'node:http';
import { resolve } from 'node:path';
import type { ReloadResult } from '../../admin/control.ts';
import { readToken } from '../../admin/token.ts';
import { formatAddress, parseAddress } from '../../config/address.ts';
import { loadConfig } from '../../config/load.ts';
import type { Address } from '../../config/schema.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, printDiagnostics } from '../output.ts';

export interface ReloadOptions {
  readonly config: string;
  readonly format?: Format;
  readonly adminAddress?: string;
  readonly tokenFile?: string;
}

const TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Exit code 1 when the new policy was refused: the one in force stays. */
export async function reload(options: ReloadOptions): Promise<number> {
  const { address, tokenFile } = target(options);
  const format = chooseFormat(options.format);
  const { status, body } = await post(address, token(tokenFile));
  if (status === 401) throw new CliError(`the edge does not accept the token in ${tokenFile}`);
  if (status !== 200 && status !== 422) {
    throw new CliError(`the admin API at ${formatAddress(address)} answered ${status}`);
  }
  const result = JSON.parse(body) as ReloadResult;
  if (!result.ok) {
    printDiagnostics(result.diagnostics, new Map(), format);
    if (format === 'human') process.stderr.write('refused: the policy in force stays\n');
    return EXIT.problem;
  }
  process.stdout.write(
    format === 'json'
      ? `${JSON.stringify(result)}\n`
      : `reloaded: policy image ${result.imageId.slice(0, 12)}, epoch ${result.epoch}\n`,
  );
  return EXIT.ok;
}

/** Flags first; the configuration is read only for what they leave open. */
function target(options: ReloadOptions): { readonly address: Address; readonly tokenFile: string } {
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

function token(file: string): string {
  try {
    return readToken(file);
  } catch (error) {
    throw new CliError(`cannot read the admin token: ${(error as Error).message}`);
  }
}

function post(address: Address, bearer: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolved, rejected) => {
    const fail = (error: Error): void => {
      rejected(new CliError(`cannot reach the admin API at ${formatAddress(address)}: ${error.message}`));
    };
    const call = request(
      {
        host: address.host,
        port: address.port,
        path: '/v1/reload',
        method: 'POST',
        headers: { authorization: `Bearer ${bearer}` },
        timeout: TIMEOUT_MS,
      },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > MAX_ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
        });
        response.on('end', () => resolved({ status: response.statusCode ?? 0, body }));
        response.on('error', fail);
      },
    );
    call.on('timeout', () => call.destroy(new Error('no answer in time')));
    call.on('error', fail);
    call.end();
  });
}
