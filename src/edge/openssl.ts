/**
 * What Node cannot tell or set of its own TLS objects: with the addon contexts that issue a chosen number of tickets
 * under keys that change, send extensions, and tell what was negotiated to the group; without it the same handshakes,
 * and less known of them.
 */

import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { PosedPuzzle } from '../challenge/puzzle/puzzle.ts';
import { PUZZLE_EXTENSION } from '../challenge/puzzle/wire.ts';
import type { ContextRequest, ServerContext } from '../orchestrator/context-pool.ts';
import type { Negotiated } from '../orchestrator/negotiated.ts';
import { CIPHER_CODES, GROUP_CODES, GROUPS } from '../pdl/registry/iana.ts';
import type { Addon, TlsHandle } from './addon.ts';

export interface ServerTls {
  readonly tls: TLSSocket;
  /** 0 without the addon. */
  readonly handle: TlsHandle;
  /** Call it once the handshake is done. */
  negotiated(): Negotiated;
}

/** Node takes a key of its own form: name 16, HMAC 16, AES 16. */
const NODE_TICKET_KEY_BYTES = 48;
const VERSIONS: Readonly<Record<string, number>> = {
  TLSv1: 0x0301,
  'TLSv1.1': 0x0302,
  'TLSv1.2': 0x0303,
  'TLSv1.3': 0x0304,
};
/** OpenSSL's bits of the messages that an extension of the server may be in (SSL_EXT_TLS1_3_…). */
const MESSAGES: Readonly<Record<string, number>> = {
  encrypted_extensions: 0x400,
  hello_retry_request: 0x800,
  certificate: 0x1000,
  new_session_ticket: 0x2000,
  certificate_request: 0x4000,
};
/** By OpenSSL's numbers of keys (EVP_PKEY_RSA, _EC, _RSA_PSS, _ED25519, _ED448). */
const SIGNERS: Readonly<Record<number, Negotiated['certificate']>> = {
  6: 'rsa',
  408: 'ecdsa',
  912: 'rsa',
  1087: 'eddsa',
  1088: 'eddsa',
};
/** OpenSSL writes some names in lower case. */
const GROUPS_BY_NAME: ReadonlyMap<string, number> = new Map(
  [...GROUP_CODES].map(([name, code]) => [name.toLowerCase(), code]),
);

export class OpenSsl {
  readonly #addon: Addon | null;
  readonly #puzzleExtension: number;

  constructor(addon: Addon | null, puzzleExtension: number = PUZZLE_EXTENSION) {
    this.#addon = addon?.capturesTls ? addon : null;
    this.#puzzleExtension = puzzleExtension;
  }

  /** Whether a puzzle can be posed in a handshake. */
  get posesPuzzles(): boolean {
    return this.#addon !== null;
  }

  makeContext = (request: ContextRequest): ServerContext => {
    const { options, tickets } = request;
    const addon = this.#addon;
    if (addon === null) {
      const ticketKeys = request.ticketKeys.subarray(0, NODE_TICKET_KEY_BYTES);
      const secureContext = createSecureContext({ ...options, ticketKeys });
      // why: `setTicketKeys` of `tls.Server` does the same; one key alone, so older tickets are not taken.
      const setTicketKeys = (keys: Buffer): void =>
        secureContext.context.setTicketKeys(keys.subarray(0, NODE_TICKET_KEY_BYTES));
      return { secureContext, setTicketKeys };
    }
    const { context: secureContext, handle } = addon.captureContext(() => createSecureContext(options));
    addon.configureContext(handle, { tickets });
    addon.setTicketKeys(handle, request.ticketKeys);
    sendExtensions(addon, handle, request.extensions);
    if (request.puzzles) addon.addPuzzleExtension(handle, this.#puzzleExtension, null);
    return { secureContext, setTicketKeys: (keys) => addon.setTicketKeys(handle, keys) };
  };

  /**
   * Begins the server's side of a handshake on `socket`.
   * @param sessions At most 32 characters: sessions resume only where the same was said; without the addon everywhere.
   */
  accept(
    socket: Socket,
    secureContext: ServerContext['secureContext'],
    alpn: readonly string[],
    sessions: string,
  ): ServerTls {
    const make = (): TLSSocket => {
      const tls = new TLSSocket(socket, {
        isServer: true,
        secureContext,
        ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      });
      // why: only `tls.Server` clears this mark, and an HTTP/2 session waits until it is cleared.
      return tls.once('secure', () => Object.assign(tls, { secureConnecting: false }));
    };
    const addon = this.#addon;
    if (addon === null) {
      const tls = make();
      return { tls, handle: 0, negotiated: () => knownToNode(tls) };
    }
    const { socket: tls, handle } = addon.captureSsl(make);
    addon.setSessionContext(handle, sessions);
    return { tls, handle, negotiated: () => knownToOpenssl(addon, handle, tls) };
  }

  /**
   * Goes on with a handshake that began before its TLS: the client was asked for `group`, which it lists and did not
   * share, and for the solution of a puzzle, and has given both. The context must be one for puzzles.
   */
  resumePuzzle({ handle }: ServerTls, { group, extension, flight }: PosedPuzzle): void {
    const addon = this.#addon!;
    addon.configureSsl(handle, { groups: GROUPS.get(group)! });
    addon.resumePuzzle(handle, extension, flight);
  }
}

/** One registration for each type, whatever messages it goes in. */
function sendExtensions(addon: Addon, context: TlsHandle, sends: ContextRequest['extensions']): void {
  for (const type of new Set(sends.map((send) => send.type))) {
    const contents = sends
      .filter((send) => send.type === type)
      .map(({ message, content }) => ({ message: MESSAGES[message]!, content: Buffer.from(content, 'hex') }));
    addon.addExtension(context, type, contents);
  }
}

/** What Node has read of the connection already. */
function named(tls: TLSSocket): Pick<Negotiated, 'alpn' | 'serverName'> {
  const { alpnProtocol, servername } = tls as TLSSocket & { readonly servername?: string | false | null };
  return {
    alpn: typeof alpnProtocol === 'string' ? alpnProtocol : null,
    serverName: typeof servername === 'string' && servername !== '' ? servername : null,
  };
}

function knownToNode(tls: TLSSocket): Negotiated {
  return {
    version: VERSIONS[tls.getProtocol() ?? ''] ?? 0,
    cipher: CIPHER_CODES.get(tls.getCipher().standardName) ?? null,
    group: null,
    resumed: tls.isSessionReused(),
    certificate: null,
    ...named(tls),
  };
}

function knownToOpenssl(addon: Addon, handle: TlsHandle, tls: TLSSocket): Negotiated {
  const info = addon.sslInfo(handle);
  if (info === null) return knownToNode(tls);
  const { version, cipher, resumed } = info;
  const certificate = SIGNERS[info.signature ?? 0] ?? null;
  const group = info.group === null ? null : (GROUPS_BY_NAME.get(info.group.toLowerCase()) ?? null);
  return { version, cipher, group, resumed, certificate, ...named(tls) };
}
