/**
 * What Node cannot tell or set of its own TLS objects: with the addon contexts that issue no tickets at
 * all and the group that was negotiated; without it the same handshakes, and less known of them.
 */

import type { Socket } from 'node:net';
import { createSecureContext, type SecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import type { Addon } from './addon.ts';

export interface ServerTls {
  readonly tls: TLSSocket;
  /** OpenSSL's name of the key-exchange group, once the handshake is done; null when it is not known. */
  group(): string | null;
}

export class OpenSsl {
  readonly #addon: Addon | null;

  constructor(addon: Addon | null) {
    this.#addon = addon?.capturesTls ? addon : null;
  }

  /** `tickets` false: none are issued, not even the stateful ones OpenSSL sends in TLS 1.3 instead. */
  makeContext = (options: SecureContextOptions, tickets: boolean): SecureContext => {
    if (tickets || this.#addon === null) return createSecureContext(options);
    const { context, handle } = this.#addon.captureContext(() => createSecureContext(options));
    this.#addon.configureContext(handle, { tickets: 0 });
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
    if (addon === null) return { tls: make(), group: () => null };
    const { socket: tls, handle } = addon.captureSsl(make);
    return { tls, group: () => addon.sslInfo(handle)?.group ?? null };
  }
}
