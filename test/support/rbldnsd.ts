/** A real server of DNS lists, as those that publish them run; it has the zone `bl.example`. */
import { spawn } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './ocsp.ts';
import { until } from './until.ts';

const V4 = '$TTL 600\n:127.0.0.3:listed\n127.0.0.2\n192.0.2.1\n203.0.113.0/24\n!203.0.113.7\n';
const V6 = '$TTL 600\n:127.0.0.3:listed\n2001:db8::/32\n';

/** Its address, as a resolver is written. */
export async function startRbldnsd(t: TestContext): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-rbldnsd-'));
  // why: it gives up being root before it reads them.
  chmodSync(folder, 0o755);
  const zone = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const address = `127.0.0.1:${await freePort()}`;
  const zones = [`bl.example:ip4set:${zone('v4', V4)}`, `bl.example:ip6trie:${zone('v6', V6)}`];
  const server = spawn('rbldnsd', ['-n', '-b', address.replace(':', '/'), ...zones], { stdio: 'ignore' });
  t.after(async () => {
    const ended = once(server, 'close');
    server.kill();
    await ended;
    rmSync(folder, { recursive: true });
  });
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([address]);
  await until('rbldnsd answers', () =>
    resolver.resolve4('2.0.0.127.bl.example').then(
      () => true,
      () => false,
    ),
  );
  return address;
}
