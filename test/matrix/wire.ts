/** What was negotiated, read off the wire by tshark. */

import { ALERTS, CIPHER_NAMES, GROUP_NAMES, SIGALG_NAMES } from '../../src/pdl/registry/iana.ts';
import type { Capture, Packet } from '../support/capture.ts';

export interface Seen {
  readonly name: string;
  /** `1.2`, `1.3`; null when the handshake came to nothing. */
  readonly version: string | null;
  readonly cipher: string | null;
  readonly group: string | null;
  /** The scheme that the server signed with; in TLS 1.3 only where the client told its secrets. */
  readonly signature: string | null;
  readonly alpn: string | null;
  /** Did the server ask for another key share? */
  readonly retried: boolean;
  readonly tickets: number;
  /** What the server said instead. */
  readonly alert: string | null;
}

const F = {
  stream: 'tcp.stream',
  from: 'tcp.srcport',
  type: 'tls.handshake.type',
  name: 'tls.handshake.extensions_server_name',
  legacy: 'tls.handshake.version',
  version: 'tls.handshake.extensions.supported_version',
  cipher: 'tls.handshake.ciphersuite',
  group: 'tls.handshake.extensions_key_share_group',
  retry: 'tls.handshake.extensions_key_share_selected_group',
  curve: 'tls.handshake.server_named_curve',
  signature: 'tls.handshake.sig_hash_alg',
  alpn: 'tls.handshake.extensions_alpn_str',
  alert: 'tls.alert_message.desc',
} as const;
const TYPE = { serverHello: '2', ticket: '4', keyExchange: '12', certificateVerify: '15' } as const;
const TLS13 = 0x0304;
const NOTHING: Packet = Object.fromEntries(Object.values(F).map((field) => [field, []]));

const ALERT_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ALERTS).map(([name, code]) => [code, name]),
);

function named(names: ReadonlyMap<number, string>, text: string | undefined): string | null {
  return text === undefined ? null : (names.get(Number(text)) ?? text);
}

/** One for each TCP connection of the capture that sent a ClientHello with a name, in order. */
export async function readWire(capture: Capture, port: number): Promise<readonly Seen[]> {
  const packets = await capture.read('tls.handshake || tls.alert_message', Object.values(F));
  const streams = Map.groupBy(packets, (packet) => packet[F.stream]![0]!);
  return [...streams.values()].flatMap((stream) => {
    const client = stream.find((packet) => packet[F.name]!.length > 0);
    if (client === undefined) return [];
    const fromServer = stream.filter((packet) => packet[F.from]![0] === String(port));
    return [readStream(client[F.name]![0]!, fromServer)];
  });
}

function readStream(name: string, packets: readonly Packet[]): Seen {
  const all = (field: string): string[] => packets.flatMap((packet) => packet[field]!);
  const retried = all(F.retry).length > 0;
  const hellos = packets.filter((packet) => packet[F.type]!.includes(TYPE.serverHello));
  const last = hellos.at(-1) ?? NOTHING;
  const alert = named(ALERT_NAMES, hellos.length === 0 ? all(F.alert)[0] : undefined);
  const signed = packets.find(
    (packet) =>
      packet[F.type]!.includes(TYPE.certificateVerify) || packet[F.type]!.includes(TYPE.keyExchange),
  );
  const version = Number(last[F.version]!.at(-1) ?? last[F.legacy]!.at(-1));
  return {
    name,
    version: hellos.length === 0 ? null : version === TLS13 ? '1.3' : '1.2',
    cipher: named(CIPHER_NAMES, last[F.cipher]!.at(-1)),
    group: named(GROUP_NAMES, last[F.group]!.at(-1) ?? all(F.curve)[0]),
    signature: named(SIGALG_NAMES, (signed ?? NOTHING)[F.signature]!.at(-1)),
    alpn: all(F.alpn)[0] ?? null,
    retried,
    tickets: all(F.type).filter((type) => type === TYPE.ticket).length,
    alert: alert === 'close_notify' ? null : alert,
  };
}

/** A cell of the table. */
export function showSeen(seen: Seen | undefined): string {
  if (seen === undefined) return 'no connection';
  if (seen.version === null) return seen.alert === null ? 'closed' : `alert ${seen.alert}`;
  const parts = [
    `TLS ${seen.version}`,
    seen.cipher?.replace(/^TLS_/, '') ?? '?',
    `${seen.group ?? '?'}${seen.retried ? ' (asked again)' : ''}`,
    seen.signature ?? 'signature not read',
    seen.alpn ?? 'no ALPN',
    `${seen.tickets} ${seen.tickets === 1 ? 'ticket' : 'tickets'}`,
  ];
  return parts.join(', ');
}
