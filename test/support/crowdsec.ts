/** A real CrowdSec local API of a test's own: its database, its key, its decisions. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { freePort } from './ocsp.ts';
import { run } from './tools.ts';
import { until } from './until.ts';

export interface CrowdSec {
  readonly origin: string;
  /** What clients of its decisions show: it remembers what each was told. */
  readonly keys: { readonly cidr: string; readonly asn: string };
  /** `cscli decisions …`. */
  decide(...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

export async function startCrowdSec(t: TestContext): Promise<CrowdSec> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-crowdsec-'));
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const keys = { cidr: 'a key for tests of addresses', asn: 'a key for tests of networks' };
  for (const name of ['data', 'hub', 'notifications']) mkdirSync(join(folder, name));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  file('hub/.index.json', '{}');
  const config = file(
    'config.yaml',
    stringify({
      common: { daemonize: false, log_media: 'stdout', log_level: 'error' },
      config_paths: {
        config_dir: folder,
        data_dir: join(folder, 'data'),
        simulation_path: file('simulation.yaml', 'simulation: false\n'),
        hub_dir: join(folder, 'hub'),
        index_path: join(folder, 'hub', '.index.json'),
        notification_dir: join(folder, 'notifications'),
        plugin_dir: join(folder, 'plugins'),
      },
      cscli: { output: 'raw' },
      db_config: { type: 'sqlite', db_path: join(folder, 'data', 'crowdsec.db'), use_wal: false },
      api: {
        client: { credentials_path: file('client.yaml', '') },
        server: {
          listen_uri: `127.0.0.1:${port}`,
          profiles_path: file(
            'profiles.yaml',
            'name: none\nfilters: [ "false" ]\ndecisions: [ { type: ban, duration: 4h } ]\n',
          ),
        },
      },
      prometheus: { enabled: false },
    }),
  );
  const cscli = async (...args: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await run('cscli', ['-c', config, ...args]);
    if (code !== 0) throw new Error(`cscli ${args.join(' ')}: ${stdout}${stderr}`);
  };
  await cscli(
    'machines',
    'add',
    'test',
    '--password',
    'secret',
    '-f',
    join(folder, 'client.yaml'),
    '-u',
    origin,
  );
  for (const [name, key] of Object.entries(keys)) await cscli('bouncers', 'add', name, '-k', key);
  let server: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    if (server === null) return;
    const ended = once(server, 'close');
    server.kill('SIGKILL');
    await ended;
    server = null;
  };
  const start = async (): Promise<void> => {
    server = spawn('crowdsec', ['-c', config, '-no-cs'], { stdio: 'ignore' });
    await until('CrowdSec answers', async () => (await fetch(`${origin}/health`).catch(() => null)) !== null);
  };
  t.after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await start();
  return { origin, keys, decide: (...args) => cscli('decisions', ...args), stop, start };
}
