/** U001: blocking rules that a fact which may be missing disarms. */
import type { Atom, Program, Rule, Site } from '../ir.ts';
import { FACTS } from '../registry/facts.gen.ts';
import type { Expression, Name, OperandNode } from '../syntax/ast.ts';
import { type Subject, warn } from './subject.ts';

/** What people call a fact, and why it may be missing. */
const MISSING: Readonly<Record<string, readonly [noun: string, why: string]>> = {
  'conn.asn': ['network', 'address not in the ASN database'],
  'conn.country': ['country', 'address not in the geo database'],
  'conn.os': ['operating system', 'the SYN was not seen or is not in the table'],
  'conn.os_family': ['operating system', 'the SYN was not seen or is not in the table'],
  'conn.syn': ['SYN', 'the SYN was not seen'],
  'conn.ttl': ['TTL', 'the SYN was not seen'],
  'conn.mss': ['MSS', 'the SYN was not seen'],
  'conn.window': ['window', 'the SYN was not seen'],
  'conn.hops': ['distance', 'the SYN was not seen'],
  'conn.mtu': ['MTU', 'the SYN was not seen'],
  'conn.link': ['kind of network', 'the SYN was not seen or its MTU is not in the table'],
  'conn.rtt': ['round-trip time', 'the kernel did not say'],
  'hello.sni': ['server name', 'clients need not send one'],
  'hello.client': ['TLS client', 'the fingerprint is not in the table'],
  'http.user_agent': ['User-Agent', 'clients need not send one'],
  'http.host': ['host', 'clients need not send one'],
  'http.content_length': ['content length', 'a request need not have a body'],
};

export function checkUnknowns(subject: Subject): void {
  for (const site of subject.program.sites) {
    for (const index of site.rules) {
      const rule = subject.program.rules[index]!;
      if (rule.shadow || (rule.tier !== 'forbid' && rule.tier !== 'deny')) continue;
      for (const fact of disarming(subject.program, rule)) {
        if (!hasCompanion(subject.program, site, fact)) reportDisarmed(subject, rule, fact);
      }
    }
  }
}

/** Optional facts that some case tests without asking whether they are known. */
function disarming({ atoms }: Program, rule: Rule): Set<number> {
  const facts = new Set<number>();
  for (const { yes, no } of rule.when) {
    const tests = [...yes, ...no].map((index) => atoms[index]!);
    for (const { operand, kind } of tests) {
      if (kind === 'known' || !('fact' in operand)) continue;
      const { optional, phase } = FACTS[operand.fact]!;
      // why: a certificate's facts are missing together with it, and `client_cert` says what then happens.
      if (!optional || phase === 'cert' || tests.some((each) => asks(each, operand.fact))) continue;
      facts.add(operand.fact);
    }
  }
  return facts;
}

function asks({ kind, operand }: Atom, fact: number): boolean {
  return kind === 'known' && 'fact' in operand && operand.fact === fact;
}

/** Another blocking rule of the site that fires when the fact is unknown. */
function hasCompanion({ rules, atoms }: Program, site: Site, fact: number): boolean {
  return site.rules.some((index) => {
    const { tier, when } = rules[index]!;
    if (tier !== 'forbid' && tier !== 'deny') return false;
    return when.some(({ no }) => no.some((atom) => asks(atoms[atom]!, fact)));
  });
}

function reportDisarmed({ origins, report }: Subject, rule: Rule, fact: number): void {
  const node = origins.rules.get(rule);
  if (!node) return;
  const { name } = FACTS[fact]!;
  const [noun, why] = MISSING[name] ?? [name, 'it is not known of every client'];
  const place = placeOf(node.when, name)?.span ?? node.when.span;
  const outcome = rule.outcome.action === 'use' ? 'use …' : `do ${rule.outcome.action}`;
  const title = `add \`${rule.tier} ${companionName(name)} when unknown ${name} … ${outcome}\``;
  warn(report, 'PDL-U001', node.annotations, {
    span: place,
    message: `clients with unknown ${noun} pass \`${rule.tier} ${rule.name}\``,
    help: title,
    details: {
      label: `may be unknown (${why})`,
      notes: ['an unknown fact never makes a rule fire'],
      fixes: [{ kind: 'maybe', title, edits: [] }],
      canBeIntended: true,
    },
  });
}

function companionName(fact: string): string {
  const own = fact.slice(fact.indexOf('.') + 1);
  return `${own === 'country' ? 'geo' : own}_unknown`;
}

/** The first place of a condition that names the fact. */
function placeOf(expression: Expression, fact: string): Name | null {
  switch (expression.kind) {
    case 'literal':
      return null;
    case 'known':
      return null;
    case 'not':
      return placeOf(expression.item, fact);
    case 'and':
    case 'or': {
      for (const item of expression.items) {
        const found = placeOf(item, fact);
        if (found) return found;
      }
      return null;
    }
    case 'test': {
      const name = nameIn(expression.operand);
      return name?.text === fact ? name : null;
    }
  }
}

function nameIn(operand: OperandNode): Name | null {
  if (operand.kind === 'name') return operand.name;
  return 'fact' in operand ? operand.fact : null;
}
