/**
 * What Node cannot tell or set of its own TLS objects: with the addon contexts that issue no tickets at
 * all, client certificates that are judged in the handshake, and the group that was negotiated; without it
 * the same handshakes, and less known of them.
 */

import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { PUZZLE_EXTENSION } from '../challenge/puzzle/wire.ts';
import { MAX_CHAIN, MAX_NAMED_AUTHORITIES } from '../identity/limits.ts';
import type { ClientCertificate } from '../pdl/ir.ts';
import { ALERTS, GROUPS } from '../pdl/registry/iana.ts';
import type { Addon, CertificateJudge, PuzzleJudge, TlsHandle, VerifiedChain } from './addon.ts';

export interface ServerTls {
  readonly tls: TLSSocket;
  /** 0 without the addon. */
  readonly handle: TlsHandle;
  /** OpenSSL's name of the key-exchange group, once the handshake is done; null when it is not known. */
  group(): string | null;
  /** The certificate of a resumed session, verified again; null when the client had shown none. */
  verifyAgain(): VerifiedChain | null;
  /**
   * Ends the connection after its handshake; true with the alert, which TLS 1.2 cannot send any more. Call it outside of
   * the events of OpenSSL, such as `secure`.
   */
  refuse(alert: string): boolean;
}

/** How long a refused client may take to close its side, in milliseconds. */
const LINGER_MS = 1_000;

/** What a connection does with a client's certificate. */
export interface CertificateDemand {
  readonly demand: ClientCertificate;
  readonly judge: CertificateJudge;
  /** Can TLS 1.2 be what is negotiated? Its tickets are not given, since a refusal after resumption has no alert there. */
  readonly isTls12: boolean;
  /** May the certificate that was judged be resumed with? A session keeps no certificate but the client's own. */
  readonly isResumable: boolean;
}

export class OpenSsl {
  readonly #addon: Addon | null;
  readonly #puzzleExtension: number;

  constructor(addon: Addon | null, puzzleExtension: number = PUZZLE_EXTENSION) {
    this.#addon = addon?.capturesTls ? addon : null;
    this.#puzzleExtension = puzzleExtension;
  }

  /** Without it no policy may ask for client certificates: nobody would judge them. */
  get canJudge(): boolean {
    return this.#addon !== null;
  }

  verifyErrorText(error: number): string {
    return this.#addon!.verifyErrorText(error);
  }

  /** Whether a puzzle can be posed in a handshake. */
  get posesPuzzles(): boolean {
    return this.#addon !== null;
  }

  /**
   * `tickets` false: none are issued, not even the stateful ones OpenSSL sends in TLS 1.3 instead.
   * `puzzles`: a puzzle can be posed in the handshakes made of it. With trusted `ca` clients can be asked for
   * certificates; `depth` is the most certificates in their chains.
   */
  makeContext = (
    options: SecureContextOptions,
    tickets: boolean,
    puzzles: boolean,
    depth: number | null = null,
  ): SecureContext => {
    const { ca } = options;
    const isPlain = tickets && !puzzles && ca === undefined;
    if (isPlain || this.#addon === null) return createSecureContext(options);
    const { context, handle } = this.#addon.captureContext(() => createSecureContext(options));
    if (!tickets) this.#addon.configureContext(handle, { tickets: 0 });
    if (puzzles) this.#addon.addPuzzleExtension(handle, this.#puzzleExtension, null);
    if (ca !== undefined) {
      const between = Math.max(0, Math.min(depth ?? MAX_CHAIN, MAX_CHAIN) - 2);
      this.#addon.judgeCertificates(handle, between, [ca].flat().length <= MAX_NAMED_AUTHORITIES);
    }
    return context;
  };

  /** Begins the server's side of a handshake on `socket`. */
  accept(
    socket: Socket,
    secureContext: SecureContext,
    alpn: readonly string[],
    certificate: CertificateDemand | null = null,
  ): ServerTls {
    const make = (): TLSSocket => {
      const tls = new TLSSocket(socket, {
        isServer: true,
        secureContext,
        requestCert: certificate !== null,
        rejectUnauthorized: certificate?.demand.mode === 'require',
        ...(alpn.length > 0 ? { ALPNProtocols: [...alpn] } : {}),
      });
      // why: only `tls.Server` clears this mark, and an HTTP/2 session waits until it is cleared.
      return tls.once('secure', () => Object.assign(tls, { secureConnecting: false }));
    };
    const addon = this.#addon;
    if (addon === null) {
      const tls = make();
      const refuse = (): boolean => !tls.destroy();
      return { tls, handle: 0, group: () => null, verifyAgain: () => null, refuse };
    }
    const { socket: tls, handle } = addon.captureSsl(make);
    if (certificate !== null) {
      if (certificate.isTls12) addon.configureSsl(handle, { setOptions: constants.SSL_OP_NO_TICKET });
      addon.judgeOf(handle, (verified) => {
        const alert = certificate.judge(verified);
        if (!certificate.isResumable) addon.configureSsl(handle, { tickets: 0 });
        return alert;
      });
      tls.once('close', () => addon.judgeOf(handle, null));
    }
    return {
      tls,
      handle,
      group: () => addon.sslInfo(handle)?.group ?? null,
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
   * Forces a HelloRetryRequest for `group`, which the client lists but did not share, and has it carry a puzzle.
   * The context must be one for puzzles. `judge` hears the hello that follows, at most once.
   */
  posePuzzle({ tls, handle }: ServerTls, group: number, extension: Uint8Array, judge: PuzzleJudge): void {
    const addon = this.#addon!;
    addon.configureSsl(handle, { groups: GROUPS.get(group)! });
    addon.posePuzzle(handle, extension, (message) => {
      addon.forgetPuzzle(handle);
      return judge(message);
    });
    tls.once('close', () => addon.forgetPuzzle(handle));
  }
}

/** Sends what is left and a FIN; what the client still says is thrown away, since a reset would overtake the alert. */
function closeGently(tls: TLSSocket): void {
  tls.resume();
  tls.end();
  const timer = setTimeout(() => tls.destroy(), LINGER_MS);
  tls.once('close', () => clearTimeout(timer));
}
