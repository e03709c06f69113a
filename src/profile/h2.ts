/**
 * The beginning of an HTTP/2 connection in Akamai's text form, `SETTINGS|WINDOW_UPDATE|PRIORITY|pseudo-header order`
 * ("Passive Fingerprinting of HTTP/2 Clients", 2017): `1:65536;4:6291456|15663105|0|m,a,s,p`.
 */

/** What precedes the first request. */
export interface H2Start {
  /** Identifiers and values as they came, without reserved ones (draft-bishop-httpbis-grease). */
  readonly settings: readonly (readonly [id: number, value: number])[];
  /** Of the connection; null when none came before the first request, or in the bytes that were there. */
  readonly windowUpdate: number | null;
  readonly priorities: readonly string[];
  /** The request's HEADERS have begun: nothing more belongs to it. */
  readonly complete: boolean;
}

/** RFC 9113 section 3.4. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const FRAME_HEADER = 9;
const TYPE = { headers: 1, priority: 2, settings: 4, windowUpdate: 8 } as const;
/** A preface and SETTINGS that are longer are not waited for; those of browsers have about 100 bytes. */
export const MAX_START_BYTES: number = 1_024;
const MAX_SETTINGS = 32;
const MAX_PRIORITIES = 16;

/**
 * Reads the bytes that a client sent first. Null: they are not HTTP/2; `more`: its SETTINGS, which must come first, are
 * not there yet.
 */
export function readH2Start(bytes: Buffer): H2Start | 'more' | null {
  const length = Math.min(bytes.length, PREFACE.length);
  if (bytes.compare(PREFACE, 0, length, 0, length) !== 0) return null;
  let start: H2Start | null = null;
  for (let at = PREFACE.length; at + FRAME_HEADER <= bytes.length; ) {
    const size = bytes.readUIntBE(at, 3);
    const type = bytes[at + 3]!;
    if (start === null && type !== TYPE.settings) return null;
    if (start !== null && type === TYPE.headers) return { ...start, complete: true };
    const end = at + FRAME_HEADER + size;
    if (end > bytes.length) break;
    start = addFrame(start, bytes, at, bytes.subarray(at + FRAME_HEADER, end));
    at = end;
  }
  return start ?? 'more';
}

function addFrame(start: H2Start | null, bytes: Buffer, at: number, payload: Buffer): H2Start {
  const type = bytes[at + 3]!;
  const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
  if (start === null) {
    return { settings: readSettings(payload), windowUpdate: null, priorities: [], complete: false };
  }
  if (type === TYPE.windowUpdate && stream === 0 && payload.length === 4) {
    const increment = payload.readUInt32BE(0) & 0x7fffffff;
    return { ...start, windowUpdate: start.windowUpdate ?? increment };
  }
  if (type === TYPE.priority && payload.length === 5 && start.priorities.length < MAX_PRIORITIES) {
    const dependency = payload.readUInt32BE(0);
    const priority = [stream, dependency >>> 31, dependency & 0x7fffffff, payload[4]! + 1].join(':');
    return { ...start, priorities: [...start.priorities, priority] };
  }
  return start;
}

function readSettings(payload: Buffer): readonly (readonly [number, number])[] {
  const settings: (readonly [number, number])[] = [];
  for (let at = 0; at + 6 <= payload.length && settings.length < MAX_SETTINGS; at += 6) {
    const id = payload.readUInt16BE(at);
    if ((id & 0x0f0f) !== 0x0a0a) settings.push([id, payload.readUInt32BE(at + 2)]);
  }
  return settings;
}

/** @param rawHeaders Names and values of the first request in turn, pseudo-header fields first (RFC 9113 section 8.3). */
export function h2Text(
  { settings, windowUpdate, priorities }: H2Start,
  rawHeaders: readonly string[],
): string {
  const order: string[] = [];
  for (let i = 0; i < rawHeaders.length && rawHeaders[i]!.startsWith(':'); i += 2)
    order.push(rawHeaders[i]![1]!);
  return [
    settings.map(([id, value]) => `${id}:${value}`).join(';'),
    windowUpdate === null ? '00' : String(windowUpdate),
    priorities.length === 0 ? '0' : priorities.join(','),
    order.join(','),
  ].join('|');
}
