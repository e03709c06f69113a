/** Small programs for tests of the decision core. */

import type { Policy, Program, Span } from '../../src/pdl/ir.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';

export const SPAN: Span = { file: 'test.pdl', line: 1, column: 1, endLine: 1, endColumn: 2 };

export function fact(name: string): number {
  const index = FACTS.findIndex((f) => f.name === name);
  if (index === -1) throw new Error(`no fact ${name}`);
  return index;
}

export function policy(
  name: string,
  rank: number,
  verdict: Policy['verdict'] = { action: 'accept' },
): Policy {
  return {
    name,
    rank,
    verdict,
    tls: {
      minVersion: 0x0303,
      maxVersion: 0x0304,
      ciphers: [],
      groups: [],
      sigalgs: [],
      alpn: [],
      prefer: 'server',
      tickets: true,
      ocspStapling: false,
      certificate: null,
    },
    handshake: { timeoutMs: 1, helloTimeoutMs: 1, idleMs: null, maxHelloBytes: 16_384, maxInflight: null },
    challenge: null,
    limits: [],
    log: { mode: 'all', percent: 100 },
  };
}

/** One site whose ladder has the policies `low` (from 0), `medium` (from 50) and `high` (from 90). */
export function program(parts: Partial<Program> = {}): Program {
  const rules = parts.rules ?? [];
  return {
    edition: 1,
    revision: null,
    meta: {},
    atoms: [],
    tables: [],
    feeds: [],
    counters: [],
    canaries: [],
    limits: [],
    scores: [{ name: 'risk', min: 0, max: 100, groups: [], signals: [] }],
    rules,
    policies: [policy('low', 1), policy('medium', 2), policy('high', 3)],
    challenges: [],
    secrets: [],
    cas: [],
    modes: [],
    sites: [
      {
        name: 'all',
        listeners: ['edge'],
        sni: 'any',
        score: 0,
        ladder: [
          { from: 0, policy: 0 },
          { from: 50, policy: 1 },
          { from: 90, policy: 2 },
        ],
        rules: rules.map((_, index) => index),
        limits: [],
        onError: 0,
      },
    ],
    requiredFacts: [],
    ...parts,
  };
}
