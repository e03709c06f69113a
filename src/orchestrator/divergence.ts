/**
 * Guards against a parser that reads a ClientHello otherwise than OpenSSL does, by accident or because a client aims
 * at it: what came of the handshake must be what the parsed hello offered and its policy allowed.
 */
import type { Core } from '../core/core.ts';
import type { TlsProfile } from '../pdl/ir.ts';
import { CIPHER_NAMES, GROUP_NAMES } from '../pdl/registry/iana.ts';
import { FACT } from './facts.ts';
import { hex, type Negotiated } from './negotiated.ts';

const TLS13 = 0x0304;

/** What was parsed of the hello before the handshake. Lists are without GREASE. */
export interface Offered {
  /** Lower case, without a final dot. */
  readonly sni: string | null;
  readonly alpn: readonly string[];
  readonly versions: readonly number[];
  readonly ciphers: readonly number[];
  readonly groups: readonly number[];
}

/** What the policy, or the listener for it, allowed. */
export interface Allowed {
  readonly tls: Pick<TlsProfile, 'minVersion' | 'maxVersion' | 'ciphers' | 'groups'>;
  readonly alpn: readonly string[];
  /** The operator's lowest version, which stands above the policy. */
  readonly floor: number;
}

/** What the core has just parsed, as far as it is compared. `hello` is what the connection keeps of it anyway. */
export function offeredIn(core: Core, { sni, alpn }: Pick<Offered, 'sni' | 'alpn'>): Offered {
  const versions = core.readCodes(FACT.versions) ?? [];
  const ciphers = core.readCodes(FACT.ciphers) ?? [];
  return { sni, alpn, versions, ciphers, groups: core.readCodes(FACT.groups) ?? [] };
}

/** A sentence about the first difference, or null when there is none. */
export function divergence(
  negotiated: Negotiated,
  offered: Offered,
  { tls: allowed, alpn: protocols, floor }: Allowed,
): string | null {
  const { version, cipher, group, serverName, alpn, resumed } = negotiated;
  const isAllowed =
    version >= Math.max(allowed.minVersion, floor) && version <= Math.max(allowed.maxVersion, floor);
  if (!isAllowed || !offered.versions.includes(version)) {
    return `version ${hex(version)} was negotiated, which was not offered and allowed`;
  }
  // why: of a resumed TLS 1.2 session OpenSSL may tell nothing but what its first handshake had.
  const isWhole = !(resumed && version < TLS13);
  const name = serverName === null ? null : sameForm(serverName);
  if (name !== offered.sni && (name !== null || isWhole)) {
    return `server name ${JSON.stringify(serverName)} was negotiated, ${JSON.stringify(offered.sni)} parsed`;
  }
  if (cipher !== null && !(allowed.ciphers.includes(cipher) && offered.ciphers.includes(cipher))) {
    return `suite ${CIPHER_NAMES.get(cipher) ?? hex(cipher)} was negotiated, which was not offered and allowed`;
  }
  // why: nor has it a key exchange of its own.
  if (isWhole && group !== null && !(allowed.groups.includes(group) && offered.groups.includes(group))) {
    return `group ${GROUP_NAMES.get(group) ?? hex(group)} was negotiated, which was not offered and allowed`;
  }
  const common = protocols.filter((protocol) => offered.alpn.includes(protocol));
  if (alpn === null ? common.length > 0 : !common.includes(alpn)) {
    return `protocol ${JSON.stringify(alpn)} was negotiated, ${JSON.stringify(common)} offered and allowed`;
  }
  return null;
}

/** As the parser writes names. */
function sameForm(name: string): string {
  const lower = name.toLowerCase();
  return lower.endsWith('.') ? lower.slice(0, -1) : lower;
}
