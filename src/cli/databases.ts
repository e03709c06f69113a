/** The MaxMind databases that flags name. */
import { loadDatabase } from '../profile/address/load-database.ts';
import type { OriginDatabases, OriginKind } from '../profile/address/origins.ts';
import { CliError } from './exit.ts';

export interface DatabaseFlags {
  readonly geoCountry?: string;
  readonly geoAsn?: string;
}

/** @throws CliError that says why a database cannot be used. */
export function openDatabases({ geoCountry, geoAsn }: DatabaseFlags): OriginDatabases {
  return { country: open(geoCountry, 'country'), asn: open(geoAsn, 'asn') };
}

function open(file: string | undefined, kind: OriginKind): SharedArrayBuffer | null {
  if (file === undefined) return null;
  const loaded = loadDatabase(file, kind, Date.now());
  if (typeof loaded === 'string') throw new CliError(`${file} cannot be used: ${loaded}`);
  return loaded.memory;
}
