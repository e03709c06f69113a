/** Clients of the matrix, each as its user would run it. One that is not here is left out, aloud. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { openFirefox } from '../support/firefox.ts';
import { missing, run } from '../support/tools.ts';
import type { Cleanup } from './cleanup.ts';

export interface Visit {
  /** Server names to visit once each, in order. */
  readonly hosts: readonly string[];
  readonly port: number;
  /** Where the client writes its secrets, in the form of SSLKEYLOGFILE. */
  readonly keys: string;
  readonly cleanup: Cleanup;
}

export interface MatrixClient {
  readonly name: string;
  /** Why it cannot be run here, else false. */
  absent(): Promise<string | false>;
  visit(visit: Visit): Promise<void>;
}

const CURL_GNUTLS = fileURLToPath(new URL('curl-gnutls.py', import.meta.url));
const NODE_CLIENT = `
const [port, keys, ...hosts] = process.argv.slice(1);
const { connect } = require('node:tls');
const { appendFileSync } = require('node:fs');
(async () => {
  for (const servername of hosts) {
    await new Promise((done) => {
      const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
      socket.on('keylog', (line) => appendFileSync(keys, line));
      socket.on('secureConnect', () => socket.end('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n'));
      socket.on('error', () => {}).on('close', done).resume();
    });
  }
})();`;
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

/** Runs a program with the given environment until it ends, and says something to it first. */
async function runWith(
  environment: Readonly<Record<string, string>>,
  program: string,
  args: readonly string[],
  input = '',
): Promise<void> {
  const child = spawn('timeout', ['20', program, ...args], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  await once(child, 'close');
}

/** A program that is run once for each host. */
function tool(
  name: string,
  program: string,
  args: (host: string, visit: Visit) => readonly string[],
  input = '',
): MatrixClient {
  return {
    name,
    absent: () => missing(program),
    visit: async (visit) => {
      for (const host of visit.hosts) {
        await runWith({ SSLKEYLOGFILE: visit.keys }, program, args(host, visit), input);
      }
    },
  };
}

function sClient(name: string, program: string): MatrixClient {
  const args = (host: string, { port, keys }: Visit): string[] => [
    ...['s_client', '-connect', `127.0.0.1:${port}`, '-servername', host, '-keylogfile', keys],
    ...['-alpn', 'h2,http/1.1', '-ign_eof'],
  ];
  return { ...tool(name, program, args, REQUEST), absent: async () => program === '' && 'it was not named' };
}

function nodeClient(name: string, program: string): MatrixClient {
  return {
    name,
    absent: async () => !existsSync(program) && `${program || 'it'} is not there`,
    visit: ({ hosts, port, keys }) => runWith({}, program, ['-e', NODE_CLIENT, String(port), keys, ...hosts]),
  };
}

const chromium: MatrixClient = {
  name: 'Chromium',
  absent: withoutChromium,
  visit: async ({ hosts, port, keys, cleanup }) => {
    const browser = await openBrowser(cleanup.context, [`--ssl-key-log-file=${keys}`]);
    const page = await browser.newPage();
    for (const host of hosts) await page.goto(`https://${host}:${port}/`).catch(() => {});
  },
};

const firefox: MatrixClient = {
  name: 'Firefox',
  absent: () => missing('firefox-esr'),
  visit: async ({ hosts, port, keys, cleanup }) => {
    process.env.SSLKEYLOGFILE = keys;
    for (const host of hosts) {
      await openFirefox(cleanup.context, `https://${host}:${port}/`).catch(() => {});
      await cleanup.run();
    }
    delete process.env.SSLKEYLOGFILE;
  },
};

/** The version that a program prints of itself, for the table's head. */
export async function versionOf(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await run(program, args.length > 0 ? args : ['--version']);
  return stdout.split('\n')[0]!;
}

/** Programs that are not usually there are named by variables: other versions of OpenSSL and Node. */
export function matrixClients(environment: NodeJS.ProcessEnv): readonly MatrixClient[] {
  const url = (host: string, { port }: Visit): string => `https://${host}:${port}/`;
  return [
    tool('curl (OpenSSL)', 'curl', (host, visit) => ['--silent', '--insecure', url(host, visit)]),
    {
      ...tool('curl (GnuTLS)', 'python3', (host, visit) => [CURL_GNUTLS, url(host, visit)]),
      absent: async () =>
        (await run('python3', ['-c', 'import ctypes; ctypes.CDLL("libcurl-gnutls.so.4")'])).code !== 0 &&
        'libcurl3-gnutls is not installed',
    },
    tool(
      'gnutls-cli',
      'gnutls-cli',
      (host, { port }) => [
        ...[
          '--insecure',
          '--sni-hostname',
          host,
          '--alpn',
          'h2',
          '--alpn',
          'http/1.1',
          '-p',
          String(port),
          '127.0.0.1',
        ],
      ],
      REQUEST,
    ),
    sClient('openssl s_client of this system', 'openssl'),
    sClient('openssl s_client 3.5', environment.MATRIX_OPENSSL_35 ?? ''),
    nodeClient('Node 20', environment.MATRIX_NODE_20 ?? ''),
    nodeClient('Node 24', environment.MATRIX_NODE_24 ?? ''),
    nodeClient('Node 26', process.execPath),
    chromium,
    firefox,
  ];
}
