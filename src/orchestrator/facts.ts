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
  | 'os'
  | 'osFamily'
  | 'hops'
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
  | 'segments'
  | 'completeIn'
  | 'cleared';

export const FACT: Readonly<Record<Filled, number>> = {
  ip: factIndex('conn.ip'),
  port: factIndex('conn.port'),
  listener: factIndex('conn.listener'),
  syn: factIndex('conn.syn'),
  os: factIndex('conn.os'),
  osFamily: factIndex('conn.os_family'),
  hops: factIndex('conn.hops'),
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
  segments: factIndex('hello.segments'),
  completeIn: factIndex('hello.complete_in'),
  cleared: factIndex('client.cleared'),
};

/** Facts of the language that this engine never knows: a condition on one never holds. */
export const UNSUPPLIED: readonly string[] = [
  'conn.asn',
  'conn.country',
  'hello.versions_valid',
  'hello.client',
  'client.handshakes',
  'client.failures',
  'client.os_mismatch',
  'client.tool_mismatch',
  'client.verified_bot',
  'client.first_seen',
  'client.solved',
  'client.clear_age',
  'client.history',
  'http.header_order',
  'http.h2',
];
