/** Handshake messages in the trees that tshark makes of packets (`-T json -x --no-duplicate-keys`). */

/** One handshake message of TLS. */
export interface Message {
  /** Tells TCP connections apart. */
  readonly stream: string;
  /** `client`: towards the captured port. */
  readonly from: 'client' | 'server';
  /** When its last byte was captured, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly type: number;
  readonly bytes: Buffer;
  /** All values of a field of Wireshark, such as `tls.handshake.ciphersuite`. */
  all(field: string): readonly string[];
}

export interface Frame {
  readonly _source: {
    readonly layers: {
      readonly frame: { readonly 'frame.time_epoch': string };
      readonly tcp: { readonly 'tcp.stream': string; readonly 'tcp.dstport': string };
      readonly tls: unknown;
    };
  };
}

const MESSAGE = 'tls.handshake';
/** Beside each field, its bytes in hex as the first of a list. */
const RAW = '_raw';

/** @param port Of the server. */
export function messagesOf({ _source: { layers } }: Frame, port: number): Message[] {
  const { frame, tcp, tls } = layers;
  const from = Number(tcp['tcp.dstport']) === port ? 'client' : 'server';
  const atMs = Number(frame['frame.time_epoch']) * 1_000;
  const found: Message[] = [];
  collect(tls, (hex, tree) => {
    const bytes = Buffer.from(hex, 'hex');
    const all = (field: string): string[] => valuesOf(tree, field);
    found.push({ stream: tcp['tcp.stream'], from, atMs, type: bytes[0]!, bytes, all });
  });
  return found;
}

function entriesOf(node: unknown): [string, unknown][] {
  return typeof node === 'object' && node !== null ? Object.entries(node) : [];
}

/** One or several: tshark makes a list where there is more than one. */
function listOf(value: unknown, isOne: (value: unknown) => boolean): unknown[] {
  return isOne(value) ? [value] : (value as unknown[]);
}

function collect(node: unknown, take: (hex: string, tree: unknown) => void): void {
  for (const [key, value] of entriesOf(node)) {
    if (key === MESSAGE) {
      const trees = listOf(value, (each) => !Array.isArray(each));
      const raw = (node as Record<string, unknown>)[MESSAGE + RAW];
      const bytes = listOf(raw, (each) => typeof (each as unknown[])[0] === 'string');
      for (const [i, tree] of trees.entries()) take((bytes[i] as [string])[0], tree);
    } else if (!key.endsWith(RAW)) collect(value, take);
  }
}

function valuesOf(node: unknown, field: string): string[] {
  return entriesOf(node).flatMap(([key, value]) => {
    if (key !== field) return key.endsWith(RAW) ? [] : valuesOf(value, field);
    return listOf(value, (each) => !Array.isArray(each)).map(String);
  });
}
