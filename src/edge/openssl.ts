/**
 * What Node cannot tell or set of its own TLS objects: with the addon contexts that issue no tickets at
 * all and the group that was negotiated; without it the same handshakes, and less known of them.
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { PosedPuzzle } from '../challenge/puzzle/puzzle.ts';
import { PUZZLE_EXTENSION } from '../challenge/puzzle/wire.ts';
import { GROUPS } from '../pdl/registry/iana.ts';
import type { Addon, TlsHandle } from './addon.ts';

export interface ServerTls {
  readonly tls: TLSSocket;
  /** 0 without the addon. */
  readonly handle: TlsHandle;
  /** OpenSSL's name of the key-exchange group, once the handshake is done; null when it is not known. */
  group(): string | null;
}

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

  /**
   * `tickets` false: none are issued, not even the stateful ones OpenSSL sends in TLS 1.3 instead.
   * `puzzles`: a puzzle can be posed in the handshakes made of it.
   */
  makeContext = (options: SecureContextOptions, tickets: boolean, puzzles: boolean): SecureContext => {
    if ((tickets && !puzzles) || this.#addon === null) return createSecureContext(options);
    const { context, handle } = this.#addon.captureContext(() => createSecureContext(options));
    if (!tickets) this.#addon.configureContext(handle, { tickets: 0 });
    if (puzzles) this.#addon.addPuzzleExtension(handle, this.#puzzleExtension, null);
    return context;
  };

  /** Begins the server's side of a handshake on `socket`. */
  accept(socket: Socket, secureContext: SecureContext, alpn: readonly string[]): ServerTls {
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
    if (addon === null) return { tls: make(), handle: 0, group: () => null };
    const { socket: tls, handle } = addon.captureSsl(make);
    return { tls, handle, group: () => addon.sslInfo(handle)?.group ?? null };
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
