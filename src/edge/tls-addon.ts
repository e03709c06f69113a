/**
 * OpenSSL's side of the native addon: Node's contexts and connections by a handle of ours, for the settings that Node has
 * no way to make later, or at all.
 */
import type { SecureContext } from 'node:tls';
import { MAX_CERTIFICATE_BYTES } from '../identity/limits.ts';
import type { Staple } from '../identity/staple.ts';
import type { ExtensionAnswer } from '../orchestrator/certificate-facts.ts';
import { ALERTS } from '../pdl/registry/iana.ts';

/** Settings Node has no way to change later, or at all. Names and lists as OpenSSL takes them. */
export interface TlsSettings {
  /** As on the wire: 0x0303, 0x0304. */
  readonly minVersion?: number;
  readonly maxVersion?: number;
  /** TLS 1.2 and below, e.g. `ECDHE-ECDSA-AES128-GCM-SHA256`. */
  readonly cipherList?: string;
  /** TLS 1.3, e.g. `TLS_AES_128_GCM_SHA256`. */
  readonly cipherSuites?: string;
  readonly groups?: string;
  readonly sigalgs?: string;
  /** TLS 1.3 session tickets sent after a full handshake. */
  readonly tickets?: number;
  /** `SSL_OP_*` bits, from `crypto.constants`. */
  readonly setOptions?: number;
  readonly clearOptions?: number;
}

/** What OpenSSL negotiated; compare it with what was parsed. */
export interface SslInfo {
  /** As on the wire. */
  readonly version: number;
  /** IANA code point; null before the choice. */
  readonly cipher: number | null;
  /** OpenSSL's name of the key-exchange group, e.g. `x25519`, `secp256r1`, `X25519MLKEM768`; null: none or unknown. */
  readonly group: string | null;
  readonly resumed: boolean;
  /** OpenSSL's number (`EVP_PKEY_…`) of the key that the server signed with; null when it signed nothing. */
  readonly signature: number | null;
}

/** What an extension of the server carries in one message; `message` is OpenSSL's bit of it (`SSL_EXT_TLS1_3_…`). */
export interface ExtensionContent {
  readonly message: number;
  readonly content: Uint8Array;
}

/** Certificates in DER, leaf first: the whole chain when `error` is 0, else the client's own alone. */
export interface VerifiedChain {
  /** `X509_V_ERR_…`, or 1000 for a key that is too large to verify with. */
  readonly error: number;
  readonly chain: readonly Uint8Array[];
  /** Of a chain that has just been shown: what came with its first certificate. */
  readonly answers?: readonly ExtensionAnswer[];
}

/**
 * Judges a client's certificate while its handshake waits, and answers with the code of an alert, 0 to go on. In TLS 1.2 the
 * alert ends the handshake; in TLS 1.3 the handshake ends well, and the connection must be refused after it. It is
 * called from inside OpenSSL and must leave the socket alone.
 */
export type CertificateJudge = (verified: VerifiedChain) => number;

/** Stands for one OpenSSL object, in this thread only; useless once OpenSSL has freed it. Never 0. */
export type TlsHandle = number;

/** Types and contents in turn, as the addon hands them over. */
function pairsOf(flat: readonly (number | Uint8Array)[]): ExtensionAnswer[] {
  const pairs: ExtensionAnswer[] = [];
  for (let i = 0; i < flat.length; i += 2) {
    pairs.push({ type: flat[i] as number, content: flat[i + 1] as Uint8Array });
  }
  return pairs;
}

/** By connection, of this thread. */
const judges = new Map<TlsHandle, CertificateJudge>();
/** An extension type that is never sent: OpenSSL asking for its content is the occasion for an alert. */
const ALERT_EXTENSION = 0xfffd;
/** Numbers of one connection's `SslInfo`. */
const SSL_FIELDS = 5;

/** The addon's functions, as they are. */
export interface NativeTls {
  armContext(): void;
  takeContext(): number;
  armSsl(): void;
  takeSsl(): number;
  configureContext(handle: TlsHandle, settings: TlsSettings): string | null;
  configureSsl(handle: TlsHandle, settings: TlsSettings): string | null;
  sslInfo(handle: TlsHandle, into: Int32Array): boolean;
  groupName(handle: TlsHandle): string | null;
  judgeCertificates(
    context: TlsHandle,
    bytes: number,
    depth: number,
    extension: number,
    namesAuthorities: boolean,
  ): boolean;
  setCertificateJudge(
    judge: (
      handle: TlsHandle,
      error: number,
      chain: readonly Uint8Array[],
      answers: readonly (number | Uint8Array)[],
    ) => number,
  ): void;
  verifyAgain(handle: TlsHandle): VerifiedChain | null;
  verifyErrorText(error: number): string;
  sendAlert(handle: TlsHandle, alert: number): boolean;
  addExtension(
    context: TlsHandle,
    type: number,
    messages: readonly number[],
    contents: readonly Uint8Array[],
  ): boolean;
  setTicketKeys(context: TlsHandle, keys: Uint8Array): boolean;
  setSessionContext(connection: TlsHandle, text: string): boolean;
  setStaples(
    context: TlsHandle,
    certificates: readonly Uint8Array[],
    responses: readonly Uint8Array[],
    untilSeconds: readonly number[],
  ): boolean;
  staple(connection: TlsHandle): boolean;
  addPuzzleExtension(context: TlsHandle, type: number, offer: Uint8Array | null): boolean;
  resumePuzzle(connection: TlsHandle, challenge: Uint8Array, sent: Uint8Array): boolean;
  answerPuzzle(connection: TlsHandle, challenge: Uint8Array, answer: Uint8Array): boolean;
}

export class TlsAddon {
  readonly #native: NativeTls;
  readonly #ssl = new Int32Array(SSL_FIELDS);
  /** Names of groups by OpenSSL's numbers of them, of which it has a few dozen. */
  readonly #groups = new Map<number, string | null>();

  constructor(native: NativeTls) {
    this.#native = native;
  }

  /** Makes a context and finds OpenSSL's object behind it. @throws what `make` throws; Error when it made none. */
  captureContext(make: () => SecureContext): { readonly context: SecureContext; readonly handle: TlsHandle } {
    const native = this.#native;
    let handle = 0;
    native.armContext();
    try {
      const context = make();
      handle = native.takeContext();
      if (handle === 0) throw new Error('no SSL_CTX was made');
      return { context, handle };
    } finally {
      if (handle === 0) native.takeContext();
    }
  }

  /** Makes a TLS socket and finds OpenSSL's object behind it. @throws what `make` throws; Error when it made none. */
  captureSsl<Made>(make: () => Made): { readonly made: Made; readonly handle: TlsHandle } {
    const native = this.#native;
    let handle = 0;
    native.armSsl();
    try {
      const made = make();
      handle = native.takeSsl();
      if (handle === 0) throw new Error('no SSL was made');
      return { made, handle };
    } finally {
      if (handle === 0) native.takeSsl();
    }
  }

  /** Returns null, or the name of the setting OpenSSL refused (`handle`: the object is gone). */
  configureContext(handle: TlsHandle, settings: TlsSettings): string | null {
    return this.#native.configureContext(handle, settings);
  }

  /** As `configureContext`, for one connection; call it in the turn of the loop that made the socket. */
  configureSsl(handle: TlsHandle, settings: TlsSettings): string | null {
    return this.#native.configureSsl(handle, settings);
  }

  /**
   * Has the connections made of a context from here on send an extension of `type`, at most once a message: to clients
   * that offered the type, and in CertificateRequest and NewSessionTicket to all. @throws Error when OpenSSL takes none
   * of this type, because it fills it itself or the context has it.
   */
  addExtension(context: TlsHandle, type: number, contents: readonly ExtensionContent[]): void {
    const messages = contents.map(({ message }) => message);
    const bytes = contents.map(({ content }) => content);
    if (this.#native.addExtension(context, type, messages, bytes)) return;
    throw new Error(`OpenSSL takes no extension of type ${type}`);
  }

  /**
   * Has a context make tickets with the first of `keys` and take those of the others too: 1 to 8 keys of 80 bytes one
   * after the other (name 16, AES-256 32, HMAC-SHA-256 32). @throws RangeError for any other length.
   */
  setTicketKeys(context: TlsHandle, keys: Uint8Array): void {
    if (!this.#native.setTicketKeys(context, keys))
      throw new RangeError(`no ticket keys: ${keys.length} bytes`);
  }

  /** Sessions of a connection resume only in those of which the same was said, in at most 32 bytes; false: it is gone. */
  setSessionContext(connection: TlsHandle, text: string): boolean {
    return this.#native.setSessionContext(connection, text);
  }

  /** Sets the OCSP answers of a context, in place of those it had. @throws Error when one is about no certificate. */
  setStaples(context: TlsHandle, staples: readonly Staple[]): void {
    const certificates = staples.map(({ certificate }) => certificate);
    const responses = staples.map(({ response }) => response);
    const until = staples.map(({ untilMs }) => Math.floor(untilMs / 1_000));
    if (this.#native.setStaples(context, certificates, responses, until)) return;
    throw new Error('OpenSSL takes no OCSP answers');
  }

  /** The client of a connection gets the OCSP answer of its context if it asks; false: the connection is gone. */
  staple(connection: TlsHandle): boolean {
    return this.#native.staple(connection);
  }

  /**
   * Gives a context the client-puzzle extension under `type`, for the connections made of it from here on.
   * `offer` is what a client's first hello carries in it; null on a server. @throws Error when OpenSSL takes
   * no extension of this type.
   */
  addPuzzleExtension(context: TlsHandle, type: number, offer: Uint8Array | null): void {
    if (this.#native.addPuzzleExtension(context, type, offer)) return;
    throw new Error(`OpenSSL takes no extension of type ${type}`);
  }

  /**
   * Server: goes on with a handshake whose HelloRetryRequest carried `challenge` and was sent, as `sent`, before the
   * connection's TLS began. OpenSSL makes the same bytes from the same hello, and they do not go out again; should it
   * make others, the connection fails. False once the connection is gone.
   */
  resumePuzzle(connection: TlsHandle, challenge: Uint8Array, sent: Uint8Array): boolean {
    return this.#native.resumePuzzle(connection, challenge, sent);
  }

  /** Client: has the second hello carry `answer` when the HelloRetryRequest carries `challenge`; any other one fails. */
  answerPuzzle(connection: TlsHandle, challenge: Uint8Array, answer: Uint8Array): boolean {
    return this.#native.answerPuzzle(connection, challenge, answer);
  }

  /** What was negotiated; null once the connection is gone. */
  sslInfo(handle: TlsHandle): SslInfo | null {
    const row = this.#ssl;
    if (!this.#native.sslInfo(handle, row)) return null;
    const cipher = row[1]!;
    const signature = row[4]!;
    return {
      version: row[0]!,
      cipher: cipher === -1 ? null : cipher,
      group: this.#groupName(handle, row[2]!),
      resumed: row[3] === 1,
      signature: signature === 0 ? null : signature,
    };
  }

  /** @param group OpenSSL's number of the group that was negotiated; it is asked for each name once. */
  #groupName(handle: TlsHandle, group: number): string | null {
    if (group === 0) return null;
    let name = this.#groups.get(group);
    if (name === undefined) {
      name = this.#native.groupName(handle);
      this.#groups.set(group, name);
    }
    return name;
  }

  /**
   * From here on the certificates that clients show on connections of this context are put before `judgeOf` of theirs.
   * @param depth Most certificates between the client's own and a root.
   * @throws Error when OpenSSL does not let us.
   */
  judgeCertificates(context: TlsHandle, depth: number, namesAuthorities: boolean): void {
    const bytes = MAX_CERTIFICATE_BYTES;
    if (this.#native.judgeCertificates(context, bytes, depth, ALERT_EXTENSION, namesAuthorities)) return;
    throw new Error('OpenSSL takes no judge of client certificates');
  }

  /** Sets who judges the certificate of one connection; null takes the judge away. */
  judgeOf(handle: TlsHandle, judge: CertificateJudge | null): void {
    if (judges.size === 0) {
      this.#native.setCertificateJudge((of, error, chain, answers) => {
        const verified = { error, chain, answers: pairsOf(answers) };
        return judges.get(of)?.(verified) ?? ALERTS.internal_error!;
      });
    }
    if (judge === null) judges.delete(handle);
    else judges.set(handle, judge);
  }

  /** The certificate of a resumed session, verified again now; null when the client had shown none. */
  verifyAgain(handle: TlsHandle): VerifiedChain | null {
    return this.#native.verifyAgain(handle);
  }

  verifyErrorText(error: number): string {
    return this.#native.verifyErrorText(error);
  }

  /**
   * Ends a connection of TLS 1.3 whose handshake is done with an alert, which is sent with the next write; false in TLS
   * 1.2, where that cannot be. Not to be called from within an event that OpenSSL causes, such as `secure`.
   */
  sendAlert(handle: TlsHandle, alert: number): boolean {
    return this.#native.sendAlert(handle, alert);
  }
}
