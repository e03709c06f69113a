/** Where a line of a policy takes effect. */
import type { Challenge, Condition, Operand, Phase, Program } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';

export type Enforcement =
  | 'before TLS'
  | 'by OpenSSL'
  | 'in the handshake'
  | 'in the handshake or at the request'
  | 'after the handshake'
  | 'at the request'
  | 'at the end'
  | 'not by this release';

/** By section, and by section and entry where they differ. */
const SECTIONS: Readonly<Record<string, Enforcement>> = {
  action: 'before TLS',
  tls: 'by OpenSSL',
  // why: the edge keeps the clock while OpenSSL shakes hands.
  'handshake timeout': 'by OpenSSL',
  'handshake max_inflight': 'before TLS',
  'handshake hello_timeout': 'before TLS',
  'handshake max_hello': 'before TLS',
  'handshake idle': 'after the handshake',
  extensions: 'before TLS',
  'extensions send': 'by OpenSSL',
  client_cert: 'by OpenSSL',
  challenge: 'at the request',
  authenticate: 'at the request',
  upstream: 'after the handshake',
  limits: 'before TLS',
  // why: a connection is audited when it ends, by the policy it then has.
  log: 'at the end',
  rank: 'before TLS',
};

const BY_PHASE: Readonly<Record<Phase, Enforcement>> = {
  connect: 'before TLS',
  hello: 'before TLS',
  cert: 'after the handshake',
  request: 'at the request',
};
const PHASES: readonly Phase[] = ['connect', 'hello', 'cert', 'request'];

/** Of a policy's line; `text` matters for `ensure`, which waits for the facts it asks about. */
export function enforcementOf(section: string, key: string, text: string): Enforcement {
  if (section !== 'ensure' && key !== 'ensure')
    return SECTIONS[`${section} ${key}`] ?? SECTIONS[section] ?? 'before TLS';
  if (/\bhttp\./.test(text)) return 'at the request';
  return /\bcert\./.test(text) || section === 'client_cert' ? 'after the handshake' : 'before TLS';
}

/** Of a list of limits, by indexes: when the last of them is drawn on. */
export function enforcementOfLimits({ limits }: Program, indexes: readonly number[]): Enforcement {
  const phases = indexes.map((index) => {
    const { event, key } = limits[index]!;
    if (event === 'request') return PHASES.indexOf('request');
    return event === 'handshake' && key.some(({ fact }) => FACTS[fact]!.phase === 'cert')
      ? PHASES.indexOf('cert')
      : 0;
  });
  return BY_PHASE[PHASES[Math.max(0, ...phases)]!];
}

/** Of a challenge: where its client may meet it. */
export function enforcementOfChallenge({ deliver = ['page'] }: Challenge): Enforcement {
  if (!deliver.includes('handshake')) return 'at the request';
  return deliver.length === 1 ? 'in the handshake' : 'in the handshake or at the request';
}

/** Of a condition: when the last fact it asks about is known. */
export function enforcementOfCondition(program: Program, condition: Condition): Enforcement {
  const operands = condition
    .flatMap(({ yes, no }) => [...yes, ...no])
    .map((index) => program.atoms[index]!.operand);
  return enforcementOfOperands(operands);
}

export function enforcementOfOperands(operands: readonly Operand[]): Enforcement {
  const phases = operands.map((operand) => {
    const fact = 'fact' in operand ? operand.fact : 'lookup' in operand ? operand.of : null;
    return fact === null ? 0 : PHASES.indexOf(FACTS[fact]!.phase);
  });
  return BY_PHASE[PHASES[Math.max(0, ...phases)]!];
}
