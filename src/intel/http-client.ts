/**
 * Connections to servers of feeds. A server on the internet may redirect to others there, but not into our own network:
 * where it points is checked at the moment of connecting, so that no name can mean one thing first and another then.
 */
import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import { readFileSync } from 'node:fs';
import { isIP, type LookupFunction } from 'node:net';
import { rootCertificates } from 'node:tls';
import { promisify } from 'node:util';
import { Agent, type Dispatcher } from 'undici';
import { parseIp } from '../pdl/ip.ts';
import { isLocalAddress } from './guards.ts';

/** How names become addresses, and which of these are our own network. */
export interface Network {
  readonly lookup: typeof systemLookup;
  readonly isLocal: (address: string) => boolean;
}

const NETWORK: Network = {
  lookup: systemLookup,
  isLocal: (address) => {
    const ip = parseIp(address);
    return ip === null || isLocalAddress(ip);
  },
};

/** A redirect that must not be followed. */
export class LocalRedirectError extends Error {
  constructor(host: string) {
    super(`the server redirects to ${host}, which is in a private network`);
  }
}

export class FeedClient {
  readonly #network: Network;
  readonly #anywhere: Agent;
  readonly #public: Agent;

  /**
   * @param ca PEM file of certificates that servers may have besides those of the system; null: none.
   * @throws the system error of `ca`.
   */
  constructor(ca: string | null, network: Network = NETWORK) {
    this.#network = network;
    const trust = ca === null ? {} : { ca: [...rootCertificates, readFileSync(ca, 'utf8')] };
    const options = { pipelining: 0, keepAliveTimeout: 1_000 };
    const { lookup } = network;
    this.#anywhere = new Agent({ ...options, connect: { ...trust, lookup } });
    this.#public = new Agent({ ...options, connect: { ...trust, lookup: publicLookup(network) } });
  }

  /**
   * What a request to `url` goes through, after redirects from `start`.
   * @throws LocalRedirectError, here or when it connects.
   */
  async dispatcher(url: URL, start: URL): Promise<Dispatcher> {
    if (url.origin === start.origin || (await this.#isLocal(start))) return this.#anywhere;
    const host = hostOf(url);
    if (isIP(host) !== 0 && this.#network.isLocal(host)) throw new LocalRedirectError(host);
    return this.#public;
  }

  async destroy(): Promise<void> {
    await Promise.all([this.#anywhere.destroy(), this.#public.destroy()]);
  }

  /** A server of our own may point to others of our own. */
  async #isLocal(url: URL): Promise<boolean> {
    const host = hostOf(url);
    if (isIP(host) !== 0) return this.#network.isLocal(host);
    const addresses = (await promisify(this.#network.lookup)(host, { all: true })) as LookupAddress[];
    return addresses.some(({ address }) => this.#network.isLocal(address));
  }
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

/** Finds no name that has an address of our own. */
function publicLookup({ lookup, isLocal }: Network): LookupFunction {
  return (host, options, callback) => {
    lookup(host, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address);
      if (error === null && addresses.some(isLocal)) callback(new LocalRedirectError(host), '', 0);
      else callback(error, found, family);
    });
  };
}
