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

const MAX_ASN = 0xffff_ffff;
const MAX_ORGANIZATION = 256;

/** Look-ups of one thread. */
export class Origins {
  readonly #country: Look | null;
  readonly #asn: Look | null;

  constructor({ country, asn }: OriginDatabases) {
    this.#country = country && new Look(country, countryOf);
    this.#asn = asn && new Look(asn, systemOf);
  }

  /** @param ip 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  find(ip: Uint8Array, isV4: boolean): Origin {
    const country = this.#country?.find(ip, isV4) ?? UNKNOWN_ORIGIN;
    const system = this.#asn?.find(ip, isV4) ?? UNKNOWN_ORIGIN;
    if (system === UNKNOWN_ORIGIN) return country;
    return { country: country.country, asn: system.asn, organization: system.organization };
  }
}

class Look {
  readonly #database: Mmdb;
  readonly #read: (record: unknown) => Origin;
  readonly #kept = new RecordCache<Origin>();

  constructor(memory: SharedArrayBuffer, read: (record: unknown) => Origin) {
    this.#database = new Mmdb(memory);
    this.#read = read;
  }

  find(ip: Uint8Array, isV4: boolean): Origin {
    const record = this.#database.find(ip, isV4);
    if (record === 0) return UNKNOWN_ORIGIN;
    const kept = this.#kept.get(record);
    if (kept !== undefined) return kept;
    const origin = this.#read(this.#database.read(record));
    this.#kept.set(record, origin);
    return origin;
  }
}

/** Reads what one kind of database says. */
export const READ_ORIGIN: Readonly<Record<OriginKind, (record: unknown) => Origin>> = {
  country: countryOf,
  asn: systemOf,
};

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

/** The country an address is in, else the one it is registered in; other vendors write `country_code` or `country`. */
function countryOf(record: unknown): Origin {
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
  return country === undefined ? UNKNOWN_ORIGIN : { ...UNKNOWN_ORIGIN, country };
}

/** MaxMind's number and name, in its Enterprise database under `traits`; other vendors write `asn` as `AS64500`. */
function systemOf(record: unknown): Origin {
  const all = fieldsOf(record);
  const fields = all.traits === undefined ? all : fieldsOf(all.traits);
  const text = typeof fields.asn === 'string' ? /^AS(\d{1,10})$/.exec(fields.asn)?.[1] : undefined;
  const asn = text === undefined ? fields.autonomous_system_number : Number(text);
  if (typeof asn !== 'number' || asn < 1 || asn > MAX_ASN) return UNKNOWN_ORIGIN;
  const name = fields.autonomous_system_organization ?? fields.as_name;
  const organization = typeof name === 'string' ? name.slice(0, MAX_ORGANIZATION) : null;
  return { country: null, asn, organization };
}
