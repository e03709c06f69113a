/**
 * A ClientHello read as plainly as can be: for tests, as the judge of the decision core's parser. It shares no
 * code with it.
 */
import { codesOf, GREASE_MODES, isGrease, Reader, Refused } from './reader.ts';
import { type Proto, type Reassembled, reassemble } from './reassembly.ts';

export interface Extension {
  readonly type: number;
  readonly content: Buffer;
}

export interface ClientHello {
  readonly proto: Proto;
  readonly records: number;
  readonly consumed: number;
  readonly bytes: number;
  readonly legacyVersion: number;
  readonly sessionIdLength: number;
  /** In this and every other list GREASE is left out. */
  readonly ciphers: readonly number[];
  readonly extensions: readonly Extension[];
  readonly groups: readonly number[];
  readonly pointFormats: readonly number[];
  readonly sigalgs: readonly number[];
  readonly versions: readonly number[];
  readonly alpn: readonly Buffer[];
  readonly pskModes: readonly number[];
  readonly keyShares: readonly number[];
  readonly grease: boolean;
  /** The host name in its one form; null when there is none. */
  readonly name: string | null;
  /** The first rule broken, in the order in which the parts come. */
  readonly violation: string | null;
}

/** What the core answers: a hello, `need_more`, or why it cannot be read. */
export type Answer = ClientHello | string;

const MAX_CODES = 512;
const MAX_EXTENSIONS = 64;
const TYPE = {
  name: 0,
  groups: 10,
  pointFormats: 11,
  sigalgs: 13,
  alpn: 16,
  psk: 41,
  versions: 43,
  pskModes: 45,
  keyShare: 51,
} as const;

export function readHello(
  wire: Uint8Array,
  form: 'records' | 'handshake',
  proto: Proto,
  limit = 16_384,
): Answer {
  try {
    const message = reassemble(wire, form, proto, limit);
    return message === null ? 'need_more' : new HelloReader(message, proto).read();
  } catch (error) {
    if (error instanceof Refused) return error.status;
    throw error;
  }
}

class HelloReader {
  readonly #message: Reassembled;
  readonly #proto: Proto;
  readonly #violations: string[] = [];
  #grease = false;
  #name: string | null = null;
  #groups: number[] = [];
  #pointFormats: number[] = [];
  #sigalgs: number[] = [];
  #versions: number[] = [];
  #alpn: Buffer[] = [];
  #pskModes: number[] = [];
  #keyShares: number[] = [];

  constructor(message: Reassembled, proto: Proto) {
    this.#message = message;
    this.#proto = proto;
  }

  /** RFC 8446 4.1.2, RFC 5246 7.4.1.2; RFC 6347 4.2.1 for the cookie. */
  read(): ClientHello {
    const { body, records, consumed, bytes, trailing } = this.#message;
    this.#expect(!trailing, 'message_trailing');
    if (body.length < 35) throw new Refused('hello_truncated');
    const reader = new Reader(body);
    const legacyVersion = reader.number(2, '');
    reader.take(32, '');
    const sessionId = reader.vector(1, 'hello_truncated', 'length_mismatch');
    this.#expect(sessionId.length <= 32, 'session_id_too_long');
    if (this.#proto === 'dtls') reader.vector(1, 'hello_truncated', 'length_mismatch');
    const suites = reader.vector(2, 'hello_truncated', 'length_mismatch');
    if (suites.length > 2 * MAX_CODES) throw new Refused('list_too_long');
    this.#expect(suites.length > 0, 'cipher_suites_empty');
    this.#expect(suites.length % 2 === 0, 'cipher_suites_odd');
    const ciphers = this.#withoutGrease(codesOf(suites));
    const compression = reader.vector(1, 'hello_truncated', 'length_mismatch');
    this.#expect(compression.length > 0, 'compression_empty');
    const extensions = reader.left === 0 ? [] : this.#extensions(reader);
    this.#checkCompression(compression, legacyVersion);
    return {
      proto: this.#proto,
      records,
      consumed,
      bytes,
      legacyVersion,
      sessionIdLength: sessionId.length,
      ciphers,
      extensions,
      groups: this.#groups,
      pointFormats: this.#pointFormats,
      sigalgs: this.#sigalgs,
      versions: this.#versions,
      alpn: this.#alpn,
      pskModes: this.#pskModes,
      keyShares: this.#keyShares,
      grease: this.#grease,
      name: this.#name,
      violation: this.#violations[0] ?? null,
    };
  }

  #expect(holds: boolean, violation: string): void {
    if (!holds) this.#violations.push(violation);
  }

  #withoutGrease(codes: number[]): number[] {
    const kept = codes.filter((code) => !isGrease(code));
    if (kept.length < codes.length) this.#grease = true;
    return kept;
  }

  #extensions(reader: Reader): Extension[] {
    const block = reader.vector(2, 'hello_truncated', 'length_mismatch');
    if (reader.left > 0) throw new Refused('trailing_bytes');
    const all = readTypes(block);
    this.#expect(all.length <= MAX_EXTENSIONS, 'extensions_too_many');
    const seen = new Set<number>();
    all.forEach(({ type, content }, index) => {
      if (seen.has(type)) this.#expect(false, 'extension_duplicate');
      else this.#content(type, content);
      seen.add(type);
      if (type === TYPE.psk) this.#expect(index === all.length - 1, 'psk_not_last');
    });
    if (seen.has(TYPE.psk)) this.#expect(seen.has(TYPE.pskModes), 'psk_modes_missing');
    this.#checkKeyShares();
    const kept = all.filter(({ type }) => !isGrease(type));
    if (kept.length < all.length) this.#grease = true;
    return kept;
  }

  #content(type: number, content: Buffer): void {
    switch (type) {
      case TYPE.name:
        this.#readName(content);
        return;
      case TYPE.groups:
        this.#groups = this.#codes(content, 2, 'groups_malformed');
        return;
      case TYPE.sigalgs:
        this.#sigalgs = this.#codes(content, 2, 'sigalgs_malformed');
        return;
      case TYPE.versions:
        this.#versions = this.#codes(content, 1, 'versions_malformed');
        return;
      case TYPE.pointFormats: {
        const formats = content.subarray(1, 1 + (content[0] ?? 0));
        this.#expect(formats.length > 0 && content.length === 1 + content[0]!, 'point_formats_malformed');
        this.#pointFormats = [...formats];
        return;
      }
      case TYPE.alpn:
        this.#readAlpn(content);
        return;
      case TYPE.pskModes: {
        const good = content.length >= 2 && content.length === 1 + content[0]!;
        this.#expect(good, 'psk_modes_malformed');
        const modes = good ? [...content.subarray(1)] : [];
        this.#pskModes = modes.filter((mode) => !GREASE_MODES.has(mode));
        if (this.#pskModes.length < modes.length) this.#grease = true;
        return;
      }
      case TYPE.keyShare:
        this.#readKeyShares(content);
        return;
      case TYPE.psk:
        this.#expect(isPreSharedKey(content), 'psk_malformed');
        return;
      default:
        this.#expect(isAllowed(type, content), 'extension_malformed');
    }
  }

  /** Codes in a vector that should fill the extension; as many as can be read. */
  #codes(content: Buffer, prefix: 1 | 2, violation: string): number[] {
    if (content.length < prefix) {
      this.#expect(false, violation);
      return [];
    }
    const length = content.readUIntBE(0, prefix);
    this.#expect(length > 0 && length % 2 === 0 && prefix + length === content.length, violation);
    return this.#withoutGrease(codesOf(content.subarray(prefix, prefix + length)));
  }

  #readName(content: Buffer): void {
    const good =
      content.length >= 5 &&
      content.readUInt16BE(0) === content.length - 2 &&
      content[2] === 0 &&
      content.readUInt16BE(3) === content.length - 5;
    this.#expect(good, 'sni_malformed');
    if (!good) return;
    this.#name = canonicalName(content.toString('latin1', 5));
    this.#expect(this.#name !== null, 'sni_not_a_name');
  }

  #readAlpn(content: Buffer): void {
    const list = content.subarray(2, content.length < 2 ? 2 : 2 + content.readUInt16BE(0));
    let at = 0;
    while (at < list.length && list[at]! > 0 && at + 1 + list[at]! <= list.length) {
      const name = list.subarray(at + 1, at + 1 + list[at]!);
      if (name.length === 2 && isGrease(name.readUInt16BE(0))) this.#grease = true;
      else this.#alpn.push(name);
      at += 1 + name.length;
    }
    const good = list.length > 0 && at === list.length && content.readUInt16BE(0) === content.length - 2;
    this.#expect(good, 'alpn_malformed');
  }

  #readKeyShares(content: Buffer): void {
    const groups: number[] = [];
    try {
      const reader = new Reader(content);
      const list = new Reader(reader.vector(2, 'bad', 'bad'));
      if (reader.left > 0) throw new Refused('bad');
      while (list.left > 0) {
        const group = list.number(2, 'bad');
        if (list.vector(2, 'bad', 'bad').length === 0) throw new Refused('bad');
        if (isGrease(group)) this.#grease = true;
        else groups.push(group);
      }
      this.#keyShares = groups;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#expect(false, 'key_share_malformed');
    }
  }

  #checkKeyShares(): void {
    const shares = this.#keyShares;
    const good = new Set(shares).size === shares.length && shares.every((g) => this.#groups.includes(g));
    this.#expect(good, 'key_share_inconsistent');
  }

  #checkCompression(methods: Buffer, legacyVersion: number): void {
    const highest = highestVersion(this.#proto, this.#versions, legacyVersion);
    const alone = highest === 0x0304 || highest === 0xfefc;
    this.#expect(methods.includes(0) && (!alone || methods.length === 1), 'compression_not_null');
  }
}

/** The types and contents in order, GREASE included. */
function readTypes(block: Buffer): Extension[] {
  const reader = new Reader(block);
  const all: Extension[] = [];
  while (reader.left > 0) {
    const type = reader.number(2, 'length_mismatch');
    const content = reader.vector(2, 'length_mismatch', 'length_mismatch');
    all.push({ type, content });
    const isList = type === TYPE.groups || type === TYPE.sigalgs;
    if (all.length > MAX_CODES || (isList && content.length > 2 + 2 * MAX_CODES)) {
      throw new Refused('list_too_long');
    }
  }
  return all;
}

/** The highest version of supported_versions, else legacy_version; in DTLS lower numbers are higher versions. */
export function highestVersion(proto: Proto, versions: readonly number[], legacyVersion: number): number {
  if (versions.length === 0) return legacyVersion;
  return proto === 'dtls' ? Math.min(...versions) : Math.max(...versions);
}

/** Lower case, no final dot; null for what is no name of labels of 1 to 63 letters, digits, `-` and `_`. */
export function canonicalName(sent: string): string | null {
  const name = sent.length > 1 && sent.endsWith('.') ? sent.slice(0, -1) : sent;
  if (name.length > 253 || !/^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/.test(name)) return null;
  return name.toLowerCase();
}

function attempt(read: () => boolean): boolean {
  try {
    return read();
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

/** One vector that fills the content and is not empty. */
function isOneVector(content: Buffer, prefix: 1 | 2, item: number): boolean {
  return attempt(() => {
    const reader = new Reader(content);
    const { length } = reader.vector(prefix, '', '');
    return length > 0 && length % item === 0 && reader.left === 0;
  });
}

/** A list of vectors, none of them empty. */
function isList(content: Buffer, prefix: 1 | 2): boolean {
  return attempt(() => {
    const reader = new Reader(content);
    const list = new Reader(reader.vector(2, '', ''));
    if (reader.left > 0 || list.left === 0) return false;
    while (list.left > 0) if (list.vector(prefix, '', '').length === 0) return false;
    return true;
  });
}

/** Extensions whose content nothing is taken from. */
function isAllowed(type: number, content: Buffer): boolean {
  switch (type) {
    case 1:
      return content.length === 1 && content[0]! >= 1 && content[0]! <= 4;
    case 5:
      return attempt(() => {
        const reader = new Reader(content);
        if (reader.number(1, '') !== 1) return true;
        reader.vector(2, '', '');
        reader.vector(2, '', '');
        return reader.left === 0;
      });
    case 18:
    case 22:
    case 23:
    case 42:
    case 49:
      return content.length === 0;
    case 27:
      return isOneVector(content, 1, 2);
    case 28:
      return content.length === 2 && content.readUInt16BE() >= 64;
    case 34:
    case 50:
      return isOneVector(content, 2, 2);
    case 44:
      return isOneVector(content, 2, 1);
    case 47:
      return isList(content, 2);
    case 17_513:
    case 17_613:
      return isList(content, 1);
    case 0xff01:
      return content.equals(Buffer.from([0]));
    default:
      return true;
  }
}

/** RFC 8446 4.2.11. */
function isPreSharedKey(content: Buffer): boolean {
  return attempt(() => {
    const reader = new Reader(content);
    const identities = new Reader(reader.vector(2, '', ''));
    const binders = new Reader(reader.vector(2, '', ''));
    if (reader.left > 0) return false;
    let balance = 0;
    while (identities.left > 0) {
      if (identities.vector(2, '', '').length === 0) return false;
      identities.take(4, '');
      balance++;
    }
    if (balance === 0) return false;
    while (binders.left > 0) {
      if (binders.vector(1, '', '').length < 32) return false;
      balance--;
    }
    return balance === 0;
  });
}
