/** What a capture shows, as `inspect pcap` says and as tshark does. */
import { readFileSync } from 'node:fs';
import { CaptureDesk, type CaptureRow } from '../../src/cli/capture-desk.ts';
import { TlsConnections } from '../../src/pcap/connections.ts';
import { CaptureReader } from '../../src/pcap/container.ts';
import { NO_DATABASES } from '../../src/profile/address/origins.ts';
import { ClientMatcher } from '../../src/profile/client-matcher.ts';
import { loadClients } from '../../src/profile/clients.ts';
import { StackMatcher } from '../../src/profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../src/profile/stacks.ts';
import { run } from './tools.ts';

export function rowsOf(file: string): CaptureRow[] {
  const matcher = new StackMatcher(loadStacks(OWN_STACKS).stacks!);
  const desk = new CaptureDesk({
    matcher,
    clients: new ClientMatcher(loadClients(null).table!),
    databases: NO_DATABASES,
    desk: null,
  });
  const rows: CaptureRow[] = [];
  const connections = new TlsConnections({
    parse: (bytes, length) => desk.parse(bytes, length),
    found: (beginning) => rows.push(desk.describe(beginning)),
  });
  const reader = new CaptureReader();
  reader.push(readFileSync(file), (packet) => connections.take(packet));
  reader.end();
  connections.end();
  return rows;
}

/** JA3 of the first ClientHello of each stream, as tshark says, by client endpoint. */
export async function tsharkJa3(file: string): Promise<Map<string, string>> {
  const fields = ['ip.src', 'ipv6.src', 'tcp.srcport', 'tls.handshake.ja3'].flatMap((field) => ['-e', field]);
  const filter = ['-Y', 'tls.handshake.type == 1 and tcp'];
  const { stdout } = await run('tshark', [
    '-r',
    file,
    ...filter,
    '-T',
    'fields',
    '-E',
    'separator=|',
    ...fields,
  ]);
  const found = new Map<string, string>();
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [v4, v6, port, ja3] = line.split('|') as [string, string, string, string];
    const key = `${v4 || v6} ${port}`;
    // An empty one is of SSL 2, which has no ClientHello to speak of.
    if (ja3 !== '' && !found.has(key)) found.set(key, ja3.split(',')[0]!);
  }
  return found;
}

/** JA3 by client endpoint, for comparison with `tsharkJa3`. */
export function ourJa3(file: string): Map<string, string | null> {
  return new Map(rowsOf(file).map(({ client, ja3_hash }) => [`${client.ip} ${client.port}`, ja3_hash]));
}
