/** What a policy says of clients whose TLS the configuration passes through, and nobody can do for them. */

import type { TerminationEntry } from '../pdl/compile/termination.ts';
import { type Diagnostic, fileProblem, startOf } from '../pdl/diagnostics/diagnostic.ts';
import type { Condition, Policy, Program, Site, Span } from '../pdl/ir.ts';
import { FACTS } from '../pdl/registry/facts.gen.ts';
import { NameMap } from './names.ts';
import { policiesOf } from './site-policies.ts';
import { SiteTable } from './sites.ts';

export interface PassthroughRequest {
  readonly program: Program;
  /** By policy of the program. */
  readonly termination: ReadonlyMap<Policy, readonly TerminationEntry[]>;
  /** By listener: the server names that pass through; `*` stands for all others. */
  readonly names: Readonly<Record<string, readonly string[]>>;
  /** The policy's path. */
  readonly file: string;
}

const HELP = 'give the names that pass through a site and policies of their own, without it';

/** Errors at what would be silently skipped. */
export function checkPassthrough(request: PassthroughRequest): Diagnostic[] {
  const found = new Map<string, Diagnostic>();
  const add = (span: Span, message: string, help = HELP): void => {
    const diagnostic: Diagnostic = { code: 'HOST-006', severity: 'error', message, ...span, help };
    found.set(`${span.file}:${span.line}:${span.column} ${message}`, diagnostic);
  };
  const table = new SiteTable(request.program.sites);
  for (const [listener, names] of Object.entries(request.names)) {
    for (const name of names) {
      const sites = sitesOf(request.program, table, listener, name);
      if (sites.size === 0) found.set(`${listener} ${name}`, unclaimed(request.file, listener, name));
      for (const site of sites) {
        checkSite(request, request.program.sites[site]!, `"${name}" of listener "${listener}"`, add);
      }
    }
  }
  return [...found.values()];
}

function unclaimed(file: string, listener: string, name: string): Diagnostic {
  const message = `no site claims "${name}", which listener "${listener}" passes through: its clients are refused`;
  return fileProblem(file, 'HOST-007', message, 'add a site with that `sni`', 'warning');
}

/** Indexes of the sites, with their forms, that a client of the name can come to. */
function sitesOf(program: Program, table: SiteTable, listener: string, name: string): Set<number> {
  if (name === '*') return withForms(program, table.onListener(listener));
  const suffix = name.startsWith('*.') ? name.slice(1) : null;
  const below = table
    .onListener(listener)
    .filter((index) => suffix !== null && claimsBelow(program.sites[index]!, suffix));
  const site = table.find(listener, someName(name));
  return withForms(program, site === -1 ? below : [...below, site]);
}

function claimsBelow({ sni }: Site, suffix: string): boolean {
  return typeof sni !== 'string' && sni.some((name) => name.endsWith(suffix));
}

function withForms(program: Program, sites: readonly number[]): Set<number> {
  return new Set(sites.flatMap((index) => [index, ...(program.sites[index]!.forms?.sites ?? [])]));
}

/** Do all clients of a site pass through, of those whose names these are? */
export function passesWhole({ sni }: Site, names: readonly string[]): boolean {
  if (names.includes('*')) return true;
  const passed = new NameMap<true>();
  for (const name of names) passed.set(name, true);
  return typeof sni !== 'string' && sni.every((name) => passed.find(someName(name)) === true);
}

/** The name, or for a wildcard one below it that nobody wrote down: no label is as long. */
function someName(name: string): string {
  return name.startsWith('*.') ? `${'x'.repeat(64)}${name.slice(1)}` : name;
}

type Add = (span: Span, message: string, help?: string) => void;

function checkSite(
  { program, termination, file }: PassthroughRequest,
  site: Site,
  whose: string,
  add: Add,
): void {
  const passes = `the TLS of ${whose} passes through`;
  for (const index of policiesOf(program, site)) {
    const policy = program.policies[index]!;
    if (policy.verdict.action !== 'accept') continue;
    for (const { what, span } of termination.get(policy) ?? []) {
      add(
        span,
        `\`${what}\` of policy \`${policy.name}\` needs a handshake of the edge’s own, but ${passes}`,
      );
    }
    for (const ensure of policy.ensure ?? []) {
      if (!asksLater(program, ensure.violated)) continue;
      add(
        ensure.span,
        `\`ensure\` of policy \`${policy.name}\` asks for what only TLS or HTTP tells, but ${passes}`,
      );
    }
    checkLimits(program, policy.limits, passes, file, add);
  }
  checkLimits(program, site.limits, passes, file, add);
  for (const index of site.rules) {
    const rule = program.rules[index]!;
    if (rule.shadow || !asksLater(program, rule.when)) continue;
    add(rule.span, `rule \`${rule.name}\` asks for what only TLS or HTTP tells, but ${passes}`);
  }
}

function checkLimits(
  program: Program,
  limits: readonly number[],
  passes: string,
  file: string,
  add: Add,
): void {
  for (const index of limits) {
    const { name, then } = program.limits[index]!;
    if (then.action !== 'challenge') continue;
    const message = `limit \`${name}\` poses a challenge, but ${passes}`;
    add(startOf(file), message, 'let it refuse, reset or drop instead');
  }
}

/** Does the condition ask for a fact of the certificate or of a request? */
function asksLater({ atoms }: Program, condition: Condition): boolean {
  return condition
    .flatMap(({ yes, no }) => [...yes, ...no])
    .some((index) => {
      const { operand } = atoms[index]!;
      const fact = 'fact' in operand ? operand.fact : 'lookup' in operand ? operand.of : null;
      const phase = fact === null ? 'connect' : FACTS[fact]!.phase;
      return phase === 'cert' || phase === 'request';
    });
}
