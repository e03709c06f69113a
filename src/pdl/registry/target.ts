/** What the TLS library behind an engine can do; policies are checked against it. */
import { DEFAULT_TARGET } from './iana.gen.ts';
import { CIPHERS, GROUPS, SIGALGS } from './iana.ts';

export interface Target {
  /** Such as `Node 26 with OpenSSL 3.5`. */
  readonly name: string;
  /** Code points that a server may offer. */
  readonly ciphers: ReadonlySet<number>;
  readonly groups: ReadonlySet<number>;
  readonly sigalgs: ReadonlySet<number>;
}

/** For a check that no host takes part in: what the release was made for. */
export const RELEASE_TARGET: Target = {
  name: DEFAULT_TARGET,
  ciphers: new Set(CIPHERS.keys()),
  groups: new Set(GROUPS.keys()),
  sigalgs: new Set(SIGALGS.keys()),
};
