/** What a configuration offers to a policy that is checked against it. */
import type { Config } from '../config/schema.ts';
import type { PolicyHost } from './compile-policy.ts';

type Offered = Pick<Config, 'certificates' | 'geo'> & {
  readonly listeners: readonly { readonly name: string }[];
};

export function hostOf({ listeners, certificates, geo }: Offered): PolicyHost {
  return {
    listeners: listeners.map(({ name }) => name),
    certificates: Object.keys(certificates),
    unknown: {
      ...(geo.country === null ? { 'conn.country': 'name a MaxMind database in `geo.country`' } : {}),
      ...(geo.asn === null ? { 'conn.asn': 'name a MaxMind database in `geo.asn`' } : {}),
    },
  };
}
