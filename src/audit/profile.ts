/** What an audit line tells of the client it is about, as facts of the language. */
import { FACTS } from '../pdl/registry/facts.gen.ts';
import type { FactValue } from '../pdl/testing/compile-test.ts';

/** Known facts by their names, in the engine's units and in the order of the registry. */
export type RecordedFacts = Readonly<Record<string, FactValue>>;

/** A parsed audit line; what an older release did not write is not in it. */
// biome-ignore lint/suspicious/noExplicitAny: whatever a line of a file holds.
type Line = any;

/** Where a line has each fact that it has, and in its units. */
const PLACES: Readonly<Record<string, (line: Line) => unknown>> = {
  'conn.ip': ({ source }) => source?.ip,
  'conn.port': ({ source }) => source?.port,
  'conn.listener': ({ sallyport }) => sallyport.listener,
  'conn.asn': ({ source }) => source?.as?.number,
  'conn.country': ({ source }) => source?.geo?.country_iso_code,
  'conn.proxied': ({ sallyport }) => (sallyport.proxy === undefined ? undefined : sallyport.proxy !== null),
  'conn.syn': ({ sallyport }) => sallyport.syn,
  'conn.ttl': ({ sallyport }) => numberIn(sallyport.syn, /^[46]:(\d+)/),
  'conn.mss': ({ sallyport }) => numberIn(sallyport.syn, /^[46]:[^:]*:\d+:([1-9]\d*):/),
  'conn.os': ({ sallyport }) => sallyport.os,
  'conn.os_family': ({ sallyport }) => sallyport.os_family,
  'conn.hops': ({ sallyport }) => sallyport.hops,
  'conn.mtu': ({ sallyport }) => sallyport.mtu,
  'conn.link': ({ sallyport }) => sallyport.link,
  'conn.rtt': ({ sallyport }) => sallyport.rtt_us,
  'time.now': (line) => Date.parse(line['@timestamp']),
  'hello.sni': ({ tls }) => tls?.client?.server_name,
  'hello.max_version': ({ sallyport }) => sallyport.hello?.max_version,
  'hello.alpn': ({ sallyport }) => sallyport.hello?.alpn,
  'hello.ja3': ({ tls }) => tls?.client?.ja3,
  'hello.ja4': ({ sallyport }) => sallyport.hello?.ja4,
  'hello.size': ({ sallyport }) => sallyport.hello?.bytes,
  'hello.records': ({ sallyport }) => sallyport.hello?.records,
  'hello.complete_in': ({ sallyport }) => sallyport.durations_us?.hello,
  'hello.client': ({ sallyport }) => sallyport.hello?.client,
  'client.os_mismatch': ({ sallyport }) => sallyport.http?.os_mismatch,
  'client.tool_mismatch': ({ sallyport }) => sallyport.http?.tool_mismatch,
  'cert.subject': ({ tls }) => tls?.client?.subject,
  'cert.issuer': ({ tls }) => tls?.client?.issuer,
  'cert.fingerprint': ({ tls }) => tls?.client?.hash?.sha256,
  'cert.serial': ({ tls }) => tls?.client?.x509?.serial_number,
  'http.user_agent': ({ user_agent }) => user_agent?.original,
  'http.h2': ({ sallyport }) => sallyport.http?.h2,
};

function numberIn(text: unknown, pattern: RegExp): number | undefined {
  const [, digits] = (typeof text === 'string' && pattern.exec(text)) || [];
  return digits === undefined ? undefined : Number(digits);
}

const isText = (value: unknown): value is string => typeof value === 'string';
/** A value of a fact, and not whatever somebody wrote into the file. */
function isValue(value: unknown): value is FactValue {
  if (Array.isArray(value)) return value.every(isText) || value.every(Number.isFinite);
  return isText(value) || typeof value === 'boolean' || Number.isFinite(value);
}

/** @param line The parsed line, which has a `sallyport`. */
export function factsOf(line: Line): RecordedFacts {
  const recorded: Readonly<Record<string, unknown>> = line.sallyport.facts ?? {};
  const known = FACTS.flatMap(({ name }) => {
    const value = Object.hasOwn(recorded, name) ? recorded[name] : PLACES[name]?.(line);
    return isValue(value) ? [[name, value] as const] : [];
  });
  return Object.fromEntries(known);
}
