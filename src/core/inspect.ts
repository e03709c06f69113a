/** One-shot reports about a ClientHello or a SYN, for tools and tests. */
import type { Core, HelloForm, HelloProto } from './core.ts';
import * as L from './layout.gen.ts';
import { isViolation, statusMeaning, statusName } from './status.ts';

export interface InspectError {
  readonly error: { readonly code: string; readonly message: string };
}

export interface HelloReport {
  readonly ja3: string;
  readonly ja3_hash: string;
  readonly ja3n: string;
  readonly ja3n_hash: string;
  readonly ja4: string;
  readonly ja4_r: string;
  readonly ja4_o: string;
  readonly ja4_ro: string;
  readonly sni: string | null;
  /** The host name is an IPv4 address. */
  readonly sni_is_address: boolean;
  readonly alpn: readonly string[];
  /** As on the wire. */
  readonly legacy_version: number;
  readonly max_version: number;
  readonly bytes: number;
  readonly records: number;
  /** In the client's order, GREASE and unknown ones included. */
  readonly extensions: readonly { readonly type: number; readonly length: number }[];
  readonly grease: boolean;
  readonly ech: boolean;
  readonly resumption: boolean;
  readonly early_data: boolean;
  readonly pq: boolean;
  readonly ticket: boolean;
  readonly pre_shared_key: boolean;
  readonly cookie: boolean;
  readonly compress_certificate: boolean;
  readonly alps: boolean;
  /** The first rule of the protocol that the hello breaks; an edge refuses such a hello. */
  readonly violation: { readonly code: string; readonly message: string } | null;
}

function describe(status: number): { code: string; message: string } {
  return { code: statusName(status), message: statusMeaning(status) };
}

/** Reads a whole ClientHello. The core's facts are overwritten. */
export function inspectHello(
  core: Core,
  bytes: Uint8Array,
  form: HelloForm,
  proto: HelloProto,
): HelloReport | InspectError {
  const status = core.parse(bytes, 0, bytes.length, form, proto);
  if (status !== 0 && !isViolation(status)) return { error: describe(status) };
  const { hello } = core;
  return {
    ja3: hello.ja3,
    ja3_hash: hello.ja3Hash,
    ja3n: hello.ja3n,
    ja3n_hash: hello.ja3nHash,
    ja4: hello.ja4,
    ja4_r: hello.ja4r,
    ja4_o: hello.ja4o,
    ja4_ro: hello.ja4ro,
    sni: hello.sni,
    sni_is_address: hello.sniIsAddress,
    alpn: hello.alpn,
    legacy_version: hello.legacyVersion,
    max_version: hello.maxVersion,
    bytes: hello.bytes,
    records: hello.records,
    extensions: hello.extensions,
    grease: hello.grease,
    ech: hello.ech,
    resumption: hello.resumption,
    early_data: hello.earlyData,
    pq: hello.pq,
    ticket: hello.ticket,
    pre_shared_key: hello.preSharedKey,
    cookie: hello.cookie,
    compress_certificate: hello.compressCertificate,
    alps: hello.alps,
    violation: status === 0 ? null : describe(status),
  };
}

export interface SynReport {
  /** p0f 3's raw signature. */
  readonly sig: string;
  readonly ip_version: number;
  readonly ttl: number;
  /** Routers passed, guessed from the TTL alone. */
  readonly hops: number;
  /** 0 when the client sent none. */
  readonly mss: number;
  readonly window: number;
  readonly window_scale: number;
}

/** Reads the IP and TCP headers of a SYN. The core's `conn.*` facts of the SYN are overwritten. */
export function inspectSyn(core: Core, packet: Uint8Array): SynReport | InspectError {
  const status = core.parseSyn(packet);
  if (status !== 0) return { error: describe(status) };
  return {
    sig: core.synText,
    ip_version: core.synNumber(L.SYN_VERSION_AT),
    ttl: core.synNumber(L.SYN_TTL_AT),
    hops: core.synNumber(L.SYN_HOPS_AT),
    mss: core.synNumber(L.SYN_MSS_AT),
    window: core.synNumber(L.SYN_WINDOW_AT),
    window_scale: core.synNumber(L.SYN_SCALE_AT),
  };
}
