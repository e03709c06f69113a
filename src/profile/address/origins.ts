/** Where an address is from: its country and its autonomous system, as MaxMind databases tell. */
import { Mmdb } from './mmdb.ts';
import { RecordCache } from './record-cache.ts';

export interface Origin {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country: string | null;
  readonly asn: number | null;
  /** Whose the autonomous system is, where the database says. */
  readonly organization: string | null;
}

/** What a database is used for. */
export type OriginKind = 'country' | 'asn';

/** Sound databases in memory that all threads share; null: none. */
export type OriginDatabases = Readonly<Record<OriginKind, SharedArrayBuffer | null>>;

export const NO_DATABASES: OriginDatabases = { country: null, asn: null };

export const UNKNOWN_ORIGIN: Origin = { country: null, asn: null, organization: null };

type Network = Pick<Origin, 'asn' | 'organization'>;

const NO_NETWORK: Network = { asn: null, organization: null };

const MAX_ASN = 0xffff_ffff;
const MAX_ORGANIZATION = 256;

/** Different records that are remembered of each database, as powers of two: there are few countries. */
const COUNTRY_BITS = 11;
const NETWORK_BITS = 15;

/** Look-ups of one thread. */
export class Origins {
  readonly #country: Look<string | null> | null;
  readonly #network: Look<Network> | null;
  /** One text for all records of a country. */
  readonly #codes = new Map<string, string>();

  constructor({ country, asn }: OriginDatabases) {
    this.#country = country && new Look(country, COUNTRY_BITS, (record) => this.#codeOf(record));
    this.#network = asn && new Look(asn, NETWORK_BITS, systemOf);
  }

  /** @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  find(ip: Uint8Array, isV4: boolean): Origin {
    const country = this.#country?.find(ip, isV4) ?? null;
    const { asn, organization } = this.#network?.find(ip, isV4) ?? NO_NETWORK;
    return { country, asn, organization };
  }

  #codeOf(record: unknown): string | null {
    const code = countryOf(record);
    if (code === null) return null;
    const known = this.#codes.get(code);
    if (known !== undefined) return known;
    this.#codes.set(code, code);
    return code;
  }
}

class Look<V> {
  readonly #database: Mmdb;
  readonly #read: (record: unknown) => V;
  readonly #kept: RecordCache<V>;

  constructor(memory: SharedArrayBuffer, bits: number, read: (record: unknown) => V) {
    this.#database = new Mmdb(memory);
    this.#read = read;
    this.#kept = new RecordCache(bits);
  }

  /** Undefined: nothing is known of the address. */
  find(ip: Uint8Array, isV4: boolean): V | undefined {
    const record = this.#database.find(ip, isV4);
    if (record === 0) return undefined;
    const kept = this.#kept.get(record);
    if (kept !== undefined) return kept;
    const value = this.#read(this.#database.read(record));
    this.#kept.set(record, value);
    return value;
  }
}

/** Does a record say what a kind of database is wanted for? */
export const SAYS_ORIGIN: Readonly<Record<OriginKind, (record: unknown) => boolean>> = {
  country: (record) => countryOf(record) !== null,
  asn: (record) => systemOf(record) !== NO_NETWORK,
};
type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The country an address is in, else the one it is registered in; other vendors write `country_code` or `country`. */
function countryOf(record: unknown): string | null {
  const fields = fieldsOf(record);
  const candidates = [
    fieldsOf(fields.country).iso_code,
    fieldsOf(fields.registered_country).iso_code,
    fields.country_code,
    fields.country,
  ];
  const country = candidates.find(
    (each): each is string => typeof each === 'string' && /^[A-Z]{2}$/.test(each),
  );
  return country ?? null;
}

/** MaxMind's number and name, in its Enterprise database under `traits`; other vendors write `asn` as `AS64500`. */
function systemOf(record: unknown): Network {
  const all = fieldsOf(record);
  const fields = all.traits === undefined ? all : fieldsOf(all.traits);
  const text = typeof fields.asn === 'string' ? /^AS(\d{1,10})$/.exec(fields.asn)?.[1] : undefined;
  const asn = text === undefined ? fields.autonomous_system_number : Number(text);
  if (typeof asn !== 'number' || asn < 1 || asn > MAX_ASN) return NO_NETWORK;
  const name = fields.autonomous_system_organization ?? fields.as_name;
  const organization = typeof name === 'string' ? name.slice(0, MAX_ORGANIZATION) : null;
  return { asn, organization };
}
