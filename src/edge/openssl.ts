/**
 * What Node cannot tell or set of its own TLS objects: with the addon contexts that issue a chosen number of tickets
 * under keys that change, send extensions, and tell what was negotiated to the group; without it the same handshakes,
 * and less known of them.
 */

import { constants } from 'node:crypto';
import { createSecureContext, type TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { PosedPuzzle } from '../challenge/puzzle/puzzle.ts';
import { PUZZLE_EXTENSION } from '../challenge/puzzle/wire.ts';
import { MAX_CHAIN, MAX_NAMED_AUTHORITIES } from '../identity/limits.ts';
import type { ContextRequest, ServerContext } from '../orchestrator/context-pool.ts';
import type { Negotiated } from '../orchestrator/negotiated.ts';
import type { ClientCertificate } from '../pdl/ir.ts';
import { ALERTS, CIPHER_CODES, GROUP_CODES, GROUPS } from '../pdl/registry/iana.ts';
import type { Addon } from './addon.ts';
import type { CertificateJudge, TlsAddon, TlsHandle, VerifiedChain } from './tls-addon.ts';
import type { Wire, WiredTls } from './wire.ts';

export interface ServerTls {
  readonly tls: TLSSocket;
  readonly wire: Wire;
  /** 0 without the addon. */
  readonly handle: TlsHandle;
  /** Call it once the handshake is done. */
  negotiated(): Negotiated;
  /** The certificate of a resumed session, verified again; null when the client had shown none. */
  verifyAgain(): VerifiedChain | null;
  /**
   * Ends the connection after its handshake; true with the alert, which TLS 1.2 cannot send any more. Call it outside of
   * the events of OpenSSL, such as `secure`.
   */
  refuse(alert: string): boolean;
}

/** What a connection does with a client's certificate. */
export interface CertificateDemand {
  readonly demand: ClientCertificate;
  readonly judge: CertificateJudge;
  /** Can TLS 1.2 be what is negotiated? Its tickets are not given, since a refusal after resumption has no alert there. */
  readonly isTls12: boolean;
  /** May the certificate that was judged be resumed with? A session keeps no certificate but the client's own. */
  readonly isResumable: boolean;
}

/** How long a refused client may take to close its side, in milliseconds. */
const LINGER_MS = 1_000;

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
  readonly #addon: TlsAddon | null;
  readonly #puzzleExtension: number;

  constructor(addon: Addon | null, puzzleExtension: number = PUZZLE_EXTENSION) {
    this.#addon = addon?.tls ?? null;
    this.#puzzleExtension = puzzleExtension;
  }

  /** Whether a puzzle can be posed in a handshake. */
  get posesPuzzles(): boolean {
    return this.#addon !== null;
  }

  /** Without it no policy may ask for client certificates: nobody would judge them. */
  get canJudge(): boolean {
    return this.#addon !== null;
  }

  verifyErrorText(error: number): string {
    return this.#addon!.verifyErrorText(error);
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
      return { secureContext, setTicketKeys, setStaples: () => {} };
    }
    const { context: secureContext, handle } = addon.captureContext(() => createSecureContext(options));
    addon.configureContext(handle, { tickets });
    addon.setTicketKeys(handle, request.ticketKeys);
    sendExtensions(addon, handle, request.extensions);
    if (request.staples !== null) addon.setStaples(handle, request.staples);
    if (request.puzzles) addon.addPuzzleExtension(handle, this.#puzzleExtension, null);
    if (options.ca !== undefined) {
      const between = Math.max(0, Math.min(request.depth ?? MAX_CHAIN, MAX_CHAIN) - 2);
      addon.judgeCertificates(handle, between, [options.ca].flat().length <= MAX_NAMED_AUTHORITIES);
    }
    return {
      secureContext,
      setTicketKeys: (keys) => addon.setTicketKeys(handle, keys),
      setStaples: (staples) => addon.setStaples(handle, staples),
    };
  };

  /**
   * Begins the server's side of a handshake.
   * @param wrap Puts TLS over the connection.
   * @param sessions At most 32 characters: sessions resume only where the same was said; without the addon everywhere.
   * @param staples A client that asks gets the OCSP answers of the context; without the addon nobody does.
   */
  accept(
    wrap: (options: TLSSocketOptions) => WiredTls,
    secureContext: ServerContext['secureContext'],
    alpn: readonly string[],
    sessions: string,
    certificate: CertificateDemand | null = null,
    staples = false,
  ): ServerTls {
    const options = {
      isServer: true,
      secureContext,
      requestCert: certificate !== null,
      rejectUnauthorized: certificate?.demand.mode === 'require',
      ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
    };
    const addon = this.#addon;
    if (addon === null) {
      const { tls, wire } = wrap(options);
      const refuse = (): boolean => !tls.destroy();
      return { tls, wire, handle: 0, negotiated: () => knownToNode(tls), verifyAgain: () => null, refuse };
    }
    const { made, handle } = addon.captureSsl(() => wrap(options));
    const { tls, wire } = made;
    addon.setSessionContext(handle, sessions);
    if (staples) addon.staple(handle);
    if (certificate !== null) judgeBy(addon, handle, tls, certificate);
    return {
      tls,
      wire,
      handle,
      negotiated: () => knownToOpenssl(addon, handle, tls),
      verifyAgain: () => addon.verifyAgain(handle),
      refuse: (alert) => {
        const isSent = addon.sendAlert(handle, ALERTS[alert]!);
        if (isSent) closeGently(tls);
        else tls.destroy();
        return isSent;
      },
    };
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

function judgeBy(addon: TlsAddon, handle: TlsHandle, tls: TLSSocket, certificate: CertificateDemand): void {
  if (certificate.isTls12) addon.configureSsl(handle, { setOptions: constants.SSL_OP_NO_TICKET });
  addon.judgeOf(handle, (verified) => {
    const alert = certificate.judge(verified);
    if (!certificate.isResumable) addon.configureSsl(handle, { tickets: 0 });
    return alert;
  });
  tls.once('close', () => addon.judgeOf(handle, null));
}

/** Sends what is left and a FIN; what the client still says is thrown away, since a reset would overtake the alert. */
function closeGently(tls: TLSSocket): void {
  tls.resume();
  tls.end();
  const timer = setTimeout(() => tls.destroy(), LINGER_MS);
  tls.once('close', () => clearTimeout(timer));
}

/** One registration for each type, whatever messages it goes in. */
function sendExtensions(addon: TlsAddon, context: TlsHandle, sends: ContextRequest['extensions']): void {
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

function knownToOpenssl(addon: TlsAddon, handle: TlsHandle, tls: TLSSocket): Negotiated {
  const info = addon.sslInfo(handle);
  if (info === null) return knownToNode(tls);
  const { version, cipher, resumed } = info;
  const certificate = SIGNERS[info.signature ?? 0] ?? null;
  const group = info.group === null ? null : (GROUPS_BY_NAME.get(info.group.toLowerCase()) ?? null);
  return { version, cipher, group, resumed, certificate, ...named(tls) };
}
