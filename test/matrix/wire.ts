/** What was negotiated, read off the wire by tshark. */

import { ALERTS, CIPHER_NAMES, GROUP_NAMES, SIGALG_NAMES } from '../../src/pdl/registry/iana.ts';
import type { Capture } from '../support/capture.ts';
import type { Message } from '../support/tshark-tree.ts';

export interface Seen {
  readonly name: string;
  /** `1.2`, `1.3`; null when the server said no hello. */
  readonly version: string | null;
  readonly cipher: string | null;
  readonly group: string | null;
  /** The scheme that the server signed with; in TLS 1.3 only where the client told its secrets. */
  readonly signature: string | null;
  readonly alpn: string | null;
  /** Did the server ask for another key share? */
  readonly retried: boolean;
  /** Did the server ask for a certificate? */
  readonly asked: boolean;
  /** Did the server staple an OCSP response? */
  readonly stapled: boolean;
  readonly tickets: number;
  /** Own extensions of the server: their type, and the message that they were in. */
  readonly extensions: readonly string[];
  /** What the server ended the connection with. */
  readonly alert: string | null;
  /** When the server's hello was captured, in milliseconds since the epoch. */
  readonly helloAtMs: number;
}

const TYPE = {
  clientHello: 1,
  serverHello: 2,
  ticket: 4,
  encryptedExtensions: 8,
  certificate: 11,
  keyExchange: 12,
  certificateRequest: 13,
  certificateVerify: 15,
  certificateStatus: 22,
};
const F = {
  name: 'tls.handshake.extensions_server_name',
  legacy: 'tls.handshake.version',
  version: 'tls.handshake.extensions.supported_version',
  cipher: 'tls.handshake.ciphersuite',
  group: 'tls.handshake.extensions_key_share_group',
  retry: 'tls.handshake.extensions_key_share_selected_group',
  curve: 'tls.handshake.server_named_curve',
  signature: 'tls.handshake.sig_hash_alg',
  alpn: 'tls.handshake.extensions_alpn_str',
  extension: 'tls.handshake.extension.type',
} as const;
const ALERT = { stream: 'tcp.stream', description: 'tls.alert_message.desc' } as const;
const TLS13 = 0x0304;
const STATUS_REQUEST = 5;
/** RFC 8446 section 11: types for private use begin here; renegotiation_info (0xff01) has one of IANA's. */
const PRIVATE = 0xff02;
const MESSAGE_NAMES: Readonly<Record<number, string>> = {
  [TYPE.serverHello]: 'hello_retry_request',
  [TYPE.ticket]: 'new_session_ticket',
  [TYPE.encryptedExtensions]: 'encrypted_extensions',
  [TYPE.certificate]: 'certificate',
  [TYPE.certificateRequest]: 'certificate_request',
};

const ALERT_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ALERTS).map(([name, code]) => [code, name]),
);

function named(names: ReadonlyMap<number, string>, text: string | undefined): string | null {
  return text === undefined ? null : (names.get(Number(text)) ?? text);
}

/** One for each TCP connection of the capture that sent a ClientHello with a name, in order. */
export async function readWire(capture: Capture, port: number): Promise<readonly Seen[]> {
  const messages = await capture.messages();
  const alerts = await capture.read(`tls.alert_message && tcp.srcport == ${port}`, Object.values(ALERT));
  const streams = Map.groupBy(messages, ({ stream }) => stream);
  return [...streams].flatMap(([stream, said]) => {
    const [name] = said.find(({ type }) => type === TYPE.clientHello)?.all(F.name) ?? [];
    if (name === undefined) return [];
    const ended = alerts
      .filter((packet) => packet[ALERT.stream]![0] === stream)
      .flatMap((packet) => packet[ALERT.description]!)
      .map((code) => named(ALERT_NAMES, code))
      .find((alert) => alert !== 'close_notify');
    const fromServer = said.filter(({ from }) => from === 'server');
    return [readStream(name, fromServer, ended ?? null)];
  });
}

/** @param messages Of the server. */
function readStream(name: string, messages: readonly Message[], alert: string | null): Seen {
  const all = (field: string): string[] => messages.flatMap((message) => message.all(field));
  const of = (...types: number[]): Message[] => messages.filter(({ type }) => types.includes(type));
  const retried = all(F.retry).length > 0;
  const hello = of(TYPE.serverHello).at(-1);
  const said = (field: string): string | undefined => hello?.all(field).at(-1);
  const version = Number(said(F.version) ?? said(F.legacy));
  const [signed] = of(TYPE.certificateVerify, TYPE.keyExchange);
  const isStapled = of(TYPE.certificate).some((message) => typesIn(message).includes(STATUS_REQUEST));
  return {
    name,
    version: hello === undefined ? null : version === TLS13 ? '1.3' : '1.2',
    cipher: named(CIPHER_NAMES, said(F.cipher)),
    group: named(GROUP_NAMES, said(F.group) ?? all(F.curve)[0]),
    signature: named(SIGALG_NAMES, signed?.all(F.signature).at(-1)),
    alpn: all(F.alpn)[0] ?? null,
    retried,
    asked: of(TYPE.certificateRequest).length > 0,
    stapled: isStapled || of(TYPE.certificateStatus).length > 0,
    tickets: of(TYPE.ticket).length,
    extensions: [...new Set(messages.flatMap(ownExtensions))],
    alert,
    helloAtMs: hello?.atMs ?? Number.NaN,
  };
}

function typesIn(message: Message): number[] {
  return message.all(F.extension).map(Number);
}

function ownExtensions(message: Message): string[] {
  return typesIn(message)
    .filter((type) => type >= PRIVATE)
    .map((type) => `0x${type.toString(16)} in ${MESSAGE_NAMES[message.type] ?? message.type}`);
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
    ...(seen.asked ? ['certificate asked'] : []),
    ...(seen.stapled ? ['OCSP stapled'] : []),
    `${seen.tickets} ${seen.tickets === 1 ? 'ticket' : 'tickets'}`,
    ...seen.extensions,
    ...(seen.alert === null ? [] : [`then alert ${seen.alert}`]),
  ];
  return parts.join(', ');
}
