/** TLS alerts written by hand: what a client is told when it is refused before any TLS state exists. */
import { ALERTS } from '../pdl/registry/iana.ts';

const WARNING = 1;
const FATAL = 2;
/** Those that end a connection without an error (RFC 8446 section 6.1). */
const CLOSURES: ReadonlySet<string> = new Set(['close_notify', 'user_canceled']);

const RECORDS: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries(ALERTS).map(([name, code]) => [
    name,
    Uint8Array.of(0x15, 0x03, 0x03, 0x00, 0x02, CLOSURES.has(name) ? WARNING : FATAL, code),
  ]),
);

/**
 * One alert record of seven bytes, to be sent and not changed. Its legacy_record_version is 0x0303 as RFC 8446
 * section 5.1 asks of every record but the first ClientHello. An unknown name becomes `handshake_failure`.
 */
export function alertRecord(name: string): Uint8Array {
  return RECORDS.get(name) ?? RECORDS.get('handshake_failure')!;
}
