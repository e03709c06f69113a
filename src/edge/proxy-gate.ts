/** Takes the PROXY protocol header off the connections of listed proxies, before anyone looks for a ClientHello. */
import type { Outcome } from '../audit/record.ts';
import type { ConnectionFacts } from '../orchestrator/engine.ts';
import { inPrefix, parsePrefix } from '../pdl/ip.ts';
import { MAX_HEADER_BYTES, type ReceivedHeader, readProxyHeader } from './proxy-header.ts';
import type { Transport } from './transport.ts';

export interface ProxyGateOptions {
  /** Bytes that may wait behind the header. */
  readonly helloBytes: number;
  readonly timeoutMs: number;
}

/** Who the client is and what waits behind the header (null: nobody has looked), or how the connection ends. */
export type GateEnd =
  | { readonly facts: ConnectionFacts; readonly rest: Uint8Array | null }
  | { readonly outcome: Outcome; readonly error: string | null };

export class ProxyGate {
  readonly #from: readonly NonNullable<ReturnType<typeof parsePrefix>>[];
  readonly #require: boolean;

  /** @param from Prefixes, as the configuration has checked them. */
  constructor(from: readonly string[], require: boolean) {
    this.#from = from.map((text) => parsePrefix(text)!);
    this.#require = require;
  }

  /** May this peer speak for others? @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  lists(ip: Uint8Array): boolean {
    return this.#from.some((prefix) => inPrefix(ip, prefix));
  }

  /**
   * Waits for a whole header and takes it; what follows stays.
   * @param facts What is known of the proxy.
   * @param peeked Bytes that are there already; null when nobody has looked.
   */
  pass(
    transport: Transport,
    facts: ConnectionFacts,
    peeked: Uint8Array | null,
    { helloBytes, timeoutMs }: ProxyGateOptions,
    done: (end: GateEnd) => void,
  ): void {
    let found: ReceivedHeader | null = null;
    let problem = '';
    /** As parsers of hellos answer: 0 done, 1 more, negative wrong. */
    const read = (bytes: Uint8Array): number => {
      const answer = readProxyHeader(bytes);
      if (answer === 'more') return 1;
      if (answer === 'none') problem = this.#require ? 'a listed proxy sent no PROXY header' : '';
      else if ('problem' in answer) ({ problem } = answer);
      else found = answer;
      return problem === '' ? 0 : -1;
    };
    const settle = (status: number): void => {
      if (status < 0) return done({ outcome: 'proxy_header_invalid', error: problem });
      if (found === null) return done({ facts, rest: peeked });
      transport.skip(found.length);
      done({ facts: factsBehind(found, facts), rest: peeked?.subarray(found.length) ?? null });
    };
    const first = peeked === null || peeked.length === 0 ? 1 : read(peeked);
    if (first !== 1) return settle(first);
    const options = {
      maxBytes: MAX_HEADER_BYTES + helloBytes,
      timeoutMs,
      parse: (bytes: Uint8Array, length: number): number => read(bytes.subarray(0, length)),
    };
    transport.readHello(options, (end) => {
      // What was peeked is older than what was read since.
      peeked = null;
      if (end === 'complete') settle(0);
      else if (typeof end === 'number') settle(end);
      else done(FAILED[end]);
    });
  }
}

const FAILED = {
  too_large: { outcome: 'proxy_header_invalid', error: 'more bytes came than a header and a hello have' },
  timeout: { outcome: 'hello_timeout', error: 'the PROXY header was not complete' },
  closed: { outcome: 'client_closed', error: null },
} as const;

/** Of a client behind a proxy, neither the SYN nor the round trip is known: they are the proxy's. */
function factsBehind({ isLocal, client }: ReceivedHeader, facts: ConnectionFacts): ConnectionFacts {
  return isLocal ? facts : { ...facts, ...client, proxied: true, syn: null, rttUs: null };
}
