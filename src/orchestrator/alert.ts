/** TLS alerts written by hand: what a client is told when it is refused before any TLS state exists. */
import { ALERTS } from '../pdl/registry/iana.ts';

const FATAL = 2;

const RECORDS: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries(ALERTS).map(([name, code]) => [
    name,
    Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, FATAL, code),
  ]),
);

/**
 * One fatal alert record of seven bytes, to be sent and not changed. Its legacy_record_version is 0x0303 as RFC 8446
 * section 5.1 asks of every record but the first ClientHello. An unknown name becomes `handshake_failure`.
 */
export function alertRecord(name: string): Uint8Array {
  return RECORDS.get(name) ?? RECORDS.get('handshake_failure')!;
}
