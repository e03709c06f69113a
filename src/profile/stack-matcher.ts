/** Finds the TCP/IP stack that sent a SYN, by the rules of p0f 3 (`tcp_find_match` in its fp_tcp.c). */
import { parseSignature, quirkBits, type Signature } from './signature.ts';
import type { Label, Stacks } from './stacks.ts';

/** What a SYN tells of its sender. */
export interface StackMatch {
  /** `Linux 5.x`; the name of a tool; null when no signature fits. */
  readonly os: string | null;
  /** Name without version; `tool` for programs that make packets themselves. */
  readonly family: string | null;
  /** Of the family only. */
  readonly generic: boolean;
  /** Fits but for its TTL, or for quirks that networks change. */
  readonly fuzzy: boolean;
  /** Routers passed. */
  readonly hops: number;
  /** Largest packet of the sender's network, by the MSS; null without one. */
  readonly mtu: number | null;
  /** Kind of network that the MTU tells of; null when it is unknown. */
  readonly link: string | null;
}

type Network = Pick<StackMatch, 'mtu' | 'link'>;
const UNKNOWN_NETWORK: Network = { mtu: null, link: null };

/** More routers than lie between any two hosts. */
const MAX_HOPS = 35;
/** Different SYNs that are remembered; when there are more, all are forgotten. */
const MAX_KNOWN = 1_024;
const IP4_AND_TCP = 40;
const IP6_AND_TCP = 60;
/** What a wildcard version leaves out of account in packets of the other version. */
const ONLY_V4 = quirkBits('df', 'id+', 'id-');
const ONLY_V6 = quirkBits('flow');
/** Quirks that networks take away or add: scrubbing of DF and ID, ECN marks. */
const MAY_BE_LOST = quirkBits('df', 'id+');
const MAY_BE_ADDED = quirkBits('id-', 'ecn');

type Known = Stacks['signatures'][number];

export class StackMatcher {
  readonly #byLayout = new Map<string, Known[]>();
  readonly #links = new Map<number, string>();
  /** Answers by raw signature: it tells all but the window, where that is a multiple of something. */
  readonly #answers = new Map<string, { readonly window: number; readonly match: StackMatch }>();

  constructor({ signatures, links }: Stacks) {
    for (const known of signatures) {
      const { layout } = known.signature;
      const same = this.#byLayout.get(layout);
      if (same) same.push(known);
      else this.#byLayout.set(layout, [known]);
    }
    for (const { name, mtu } of links) if (!this.#links.has(mtu)) this.#links.set(mtu, name);
  }

  /**
   * @param raw The raw signature that the decision core writes.
   * @param window In bytes, before scaling.
   */
  match(raw: string, window: number): StackMatch {
    const answer = this.#answers.get(raw);
    if (answer !== undefined && answer.window === window) return answer.match;
    const match = this.#find(readRaw(raw), window);
    if (this.#answers.size >= MAX_KNOWN) this.#answers.clear();
    this.#answers.set(raw, { window, match });
    return match;
  }

  #find(seen: Signature, window: number): StackMatch {
    let fuzzy: Known | null = null;
    let generic: Known | null = null;
    const network = this.#network(seen);
    for (const known of this.#byLayout.get(seen.layout) ?? []) {
      const { signature, label } = known;
      const sameQuirks = quirksOf(signature, seen.version) === seen.quirks;
      if (!sameQuirks && (fuzzy !== null || !differsAsNetworksDo(signature, seen))) continue;
      if (!fits(signature, seen, window)) continue;
      if (sameQuirks && isNear(signature, seen)) {
        if (!label.generic) return answer(label, false, signature.ttl - seen.ttl, network);
        generic ??= known;
      } else fuzzy ??= known;
    }
    if (generic !== null) return answer(generic.label, false, generic.signature.ttl - seen.ttl, network);
    // Tools are only known by an exact match.
    if (fuzzy === null || fuzzy.label.tool) return answer(null, false, guessHops(seen.ttl), network);
    const near = isNear(fuzzy.signature, seen);
    return answer(fuzzy.label, true, near ? fuzzy.signature.ttl - seen.ttl : guessHops(seen.ttl), network);
  }

  #network({ mss, version }: Signature): Network {
    if (mss === null || mss === 0) return UNKNOWN_NETWORK;
    const mtu = mss + (version === 6 ? IP6_AND_TCP : IP4_AND_TCP);
    return { mtu, link: this.#links.get(mtu) ?? null };
  }
}

/** A raw signature has the TTL that was seen and, after a plus, a guess of the distance. */
function readRaw(raw: string): Signature {
  const parsed = parseSignature(raw.replace(/\+(?:\d+|\?):/, ':'));
  if ('message' in parsed) throw new Error(`not a raw signature: ${raw}: ${parsed.message}`);
  return parsed;
}

function quirksOf(signature: Signature, version: Signature['version']): number {
  if (signature.version !== null) return signature.quirks;
  return signature.quirks & ~(version === 4 ? ONLY_V6 : ONLY_V4);
}

function differsAsNetworksDo(signature: Signature, seen: Signature): boolean {
  const wanted = quirksOf(signature, seen.version);
  return (wanted & ~seen.quirks & ~MAY_BE_LOST) === 0 && (seen.quirks & ~wanted & ~MAY_BE_ADDED) === 0;
}

function isNear(signature: Signature, seen: Signature): boolean {
  const hops = signature.ttl - seen.ttl;
  return hops >= 0 && (signature.anyTtl || hops <= MAX_HOPS);
}

/** All but quirks and TTL, which may be wrong a little. */
function fits(signature: Signature, seen: Signature, window: number): boolean {
  const { mss, scale, payload, version } = signature;
  return (
    signature.optionsLength === seen.optionsLength &&
    (!signature.anyTtl || signature.ttl >= seen.ttl) &&
    (mss === null || mss === seen.mss) &&
    (scale === null || scale === seen.scale) &&
    (payload === null || payload === seen.payload) &&
    (version === null || version === seen.version) &&
    fitsWindow(signature, seen, window)
  );
}

function fitsWindow({ window }: Signature, seen: Signature, size: number): boolean {
  if (window.kind === 'any') return true;
  if (window.kind === 'exact') return window.value === size;
  if (window.kind === 'modulo') return size % window.value === 0;
  return window.kind === seen.window.kind && window.value === seen.window.value;
}

/** The usual initial TTLs are 32, 64, 128 and 255. */
function guessHops(ttl: number): number {
  return (ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255) - ttl;
}

function answer(label: Label | null, fuzzy: boolean, hops: number, network: Network): StackMatch {
  if (label === null) return { os: null, family: null, generic: false, fuzzy, hops, ...network };
  const { name, flavor, generic, tool } = label;
  return {
    os: flavor === '' ? name : `${name} ${flavor}`,
    family: tool ? 'tool' : name,
    generic,
    fuzzy,
    hops,
    ...network,
  };
}
