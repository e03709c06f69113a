/** The stream of events of a running edge, read from its admin API line by line. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { formatAddress } from '../config/address.ts';
import { type AdminOptions, adminTarget, adminToken } from './admin-client.ts';
import { CliError } from './exit.ts';

/** The edge tells of itself every second; one that is silent for this long is gone. */
const SILENCE_MS = 15_000;

export interface AdminStream {
  /** Ends once the stream does, whoever ended it. */
  readonly lines: AsyncIterable<string>;
  close(): void;
}

/** Opens it. @throws CliError when the edge cannot be reached or does not let us. */
export async function openEvents(options: AdminOptions): Promise<AdminStream> {
  const { address, tokenFile } = adminTarget(options);
  const headers = { authorization: `Bearer ${adminToken(tokenFile)}` };
  const call = request({ host: address.host, port: address.port, path: '/v1/events', headers });
  const unreachable = (error: Error): CliError =>
    new CliError(`cannot reach the admin API at ${formatAddress(address)}: ${error.message}`);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    call.once('response', resolve);
    call.once('error', (error) => reject(unreachable(error)));
    call.end();
  });
  call.on('error', () => {});
  if (response.statusCode === 401) {
    call.destroy();
    throw new CliError(`the edge does not accept the token in ${tokenFile}`);
  }
  if (response.statusCode !== 200) {
    call.destroy();
    throw new CliError(
      `the edge answered ${response.statusCode}: too many watch it, or it is of another release`,
    );
  }
  return streamOf(call, response);
}

function streamOf(call: ClientRequest, response: IncomingMessage): AdminStream {
  call.setTimeout(SILENCE_MS, () => call.destroy());
  const reader = createInterface({ input: response.setEncoding('utf8') });
  response.once('close', () => reader.close());
  return { lines: linesOf(reader), close: () => call.destroy() };
}

async function* linesOf(reader: AsyncIterable<string>): AsyncGenerator<string> {
  try {
    yield* reader;
  } catch {
    // why: a stream that is cut off has ended, whichever side cut it.
  }
}
