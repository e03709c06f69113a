/**
 * Does the User-Agent contradict what the connection itself shows? Unknown rather than true when in doubt, since a rule
 * may turn clients away for it.
 */
import { claimOf, KNOWN_SYSTEMS, SYSTEMS_OF_STACK } from './claims.ts';
import type { ClientMatch } from './client-matcher.ts';
import type { StackMatch } from './stack-matcher.ts';
import type { UserAgent } from './user-agent.ts';

export interface Judgement {
  /** Null: it cannot be told. */
  readonly mismatch: boolean | null;
  /** For people. */
  readonly why: string;
}

const unknown = (why: string): Judgement => ({ mismatch: null, why });
const agrees = (why: string): Judgement => ({ mismatch: false, why });
const contradicts = (why: string): Judgement => ({ mismatch: true, why });

/** The system of the User-Agent against that of the SYN. */
export function judgeSystem(stack: StackMatch | null, agent: UserAgent | null): Judgement {
  if (agent === null) return unknown('there is no User-Agent');
  const { os } = agent;
  if (os === null || !KNOWN_SYSTEMS.has(os))
    return unknown('the User-Agent names no system that a SYN tells');
  if (stack === null || stack.family === null) return unknown('the SYN was not seen or is not known');
  const systems = SYSTEMS_OF_STACK[stack.family];
  if (systems === undefined) return unknown(`a SYN of ${stack.os} tells no system`);
  if (systems.has(os)) return agrees(`a SYN of ${stack.family} goes with ${os}`);
  if (stack.fuzzy) return unknown(`the SYN only resembles those of ${stack.family}`);
  return contradicts(`the User-Agent says ${os}, the SYN ${stack.family}`);
}

/** The program of the User-Agent against that of the ClientHello. */
export function judgeTool(client: ClientMatch | null, agent: UserAgent | null): Judgement {
  if (agent === null) return unknown('there is no User-Agent');
  const claim = claimOf(agent);
  const claimed = agent.browser ?? agent.product ?? 'nothing';
  if (claim === null) return unknown('the User-Agent names no program that a ClientHello tells');
  if (client === null) return unknown('the ClientHello was not seen or is not in the table');
  const { name, library, level, candidates } = client;
  if (claim.programs.has(name) || candidates.some((candidate) => claim.programs.has(candidate))) {
    return agrees(`a ClientHello of ${name} goes with ${claimed}`);
  }
  if (level === 'suites' || level === 'extensions') {
    return unknown(`the ClientHello only resembles those of ${name}`);
  }
  if (library !== null && claim.libraries.has(library)) {
    return unknown(`${claimed} may use ${library}, as the ClientHello shows`);
  }
  return contradicts(`the User-Agent says ${claimed}, the ClientHello ${name}`);
}
