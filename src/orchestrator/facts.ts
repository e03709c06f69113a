/** Fact indexes that the orchestrator fills in, looked up once by name. */
import { FACTS } from '../pdl/registry/facts.gen.ts';

/** Index of a fact in the ABI's table. @throws RangeError for a name the table does not hold. */
export function factIndex(name: string): number {
  const index = FACTS.findIndex((fact) => fact.name === name);
  if (index === -1) throw new RangeError(`no fact named ${name}`);
  return index;
}

type Filled =
  | 'ip'
  | 'port'
  | 'listener'
  | 'syn'
  | 'country'
  | 'asn'
  | 'os'
  | 'osFamily'
  | 'hops'
  | 'mtu'
  | 'link'
  | 'rtt'
  | 'proxied'
  | 'hour'
  | 'weekday'
  | 'now'
  | 'inflight'
  | 'handshakes'
  | 'load'
  | 'sni'
  | 'ja3'
  | 'ja4'
  | 'versions'
  | 'ciphers'
  | 'groups'
  | 'extensions'
  | 'client'
  | 'segments'
  | 'completeIn'
  | 'verifiedBot'
  | 'cleared'
  | 'clientHandshakes'
  | 'clientFailures'
  | 'clientFirstSeen'
  | 'clientSolved'
  | 'clientClearAge'
  | 'clientHistory';

export const FACT: Readonly<Record<Filled, number>> = {
  ip: factIndex('conn.ip'),
  port: factIndex('conn.port'),
  listener: factIndex('conn.listener'),
  syn: factIndex('conn.syn'),
  country: factIndex('conn.country'),
  asn: factIndex('conn.asn'),
  os: factIndex('conn.os'),
  osFamily: factIndex('conn.os_family'),
  hops: factIndex('conn.hops'),
  mtu: factIndex('conn.mtu'),
  link: factIndex('conn.link'),
  rtt: factIndex('conn.rtt'),
  proxied: factIndex('conn.proxied'),
  hour: factIndex('time.hour'),
  weekday: factIndex('time.weekday'),
  now: factIndex('time.now'),
  inflight: factIndex('sys.inflight'),
  handshakes: factIndex('sys.handshakes'),
  load: factIndex('sys.load'),
  sni: factIndex('hello.sni'),
  ja3: factIndex('hello.ja3'),
  ja4: factIndex('hello.ja4'),
  versions: factIndex('hello.versions'),
  ciphers: factIndex('hello.ciphers'),
  groups: factIndex('hello.groups'),
  extensions: factIndex('hello.extensions'),
  client: factIndex('hello.client'),
  segments: factIndex('hello.segments'),
  completeIn: factIndex('hello.complete_in'),
  verifiedBot: factIndex('client.verified_bot'),
  cleared: factIndex('client.cleared'),
  clientHandshakes: factIndex('client.handshakes'),
  clientFailures: factIndex('client.failures'),
  clientFirstSeen: factIndex('client.first_seen'),
  clientSolved: factIndex('client.solved'),
  clientClearAge: factIndex('client.clear_age'),
  clientHistory: factIndex('client.history'),
};

/** Facts of the language that this engine never knows: a condition on one never holds. */
export const UNSUPPLIED: readonly string[] = ['hello.versions_valid'];
