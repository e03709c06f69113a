/** A site in the order in which it decides, with the rules it takes from rulesets. */
import { type Found, find, fullName, lookup } from '../compile/modules.ts';
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Program, Site } from '../ir.ts';
import type { RuleNode, RungNode, SiteEntry, SiteNode } from '../syntax/ast.ts';
import { enforcementOfCondition } from './enforcement.ts';
import { type Line, originOf, type Sources, textAfter } from './lines.ts';

export interface ExpandedSite {
  readonly name: string;
  readonly lines: readonly Line[];
}

/** Tiers as they are asked, and what surrounds them. */
const ORDER: readonly string[] = [
  'listen',
  'sni',
  'forbid',
  'exempt',
  'deny',
  'limits',
  'pin',
  'score',
  'ladder',
  'on_error',
];

export function expandSite(
  found: Found<SiteNode>,
  compiled: Site,
  program: Program,
  sources: Sources,
  report: Report,
): ExpandedSite {
  const lines = new SiteLines(found, compiled, program, sources, report);
  return { name: fullName(found), lines: lines.of(found.node.entries, '') };
}

class SiteLines {
  readonly #found: Found<SiteNode>;
  readonly #site: Site;
  readonly #program: Program;
  readonly #sources: Sources;
  readonly #report: Report;

  constructor(found: Found<SiteNode>, site: Site, program: Program, sources: Sources, report: Report) {
    this.#found = found;
    this.#site = site;
    this.#program = program;
    this.#sources = sources;
    this.#report = report;
  }

  /** Lines of a site's or a `during` block's entries; those of `during` come last, in its name. */
  of(entries: readonly SiteEntry[], prefix: string): Line[] {
    const lines = entries.flatMap((entry) => this.#entry(entry));
    const rank = ({ section }: Line): number => ORDER.indexOf(section);
    const sorted = lines.toSorted((a, b) => rank(a) - rank(b));
    const named = sorted.map((line) => ({ ...line, section: `${prefix}${line.section}` }));
    const during = entries.flatMap((entry) =>
      entry.kind === 'during'
        ? this.of(entry.entries, `during ${entry.mode.text} ${entry.state.text}: `)
        : [],
    );
    return [...named, ...during];
  }

  #entry(entry: SiteEntry): Line[] {
    const owner = fullName(this.#found);
    switch (entry.kind) {
      case 'rule':
        return [this.#rule(entry.rule, owner)];
      case 'rules':
        return entry.list.items.flatMap((item) => {
          const ruleset = lookup(this.#found.module, ['ruleset'], item, this.#report);
          return ruleset === null
            ? []
            : ruleset.node.rules.map((rule) => this.#rule(rule, fullName(ruleset)));
        });
      case 'ladder':
        return this.#ladder(entry, owner);
      case 'during':
        return [];
      default: {
        const text = textAfter(this.#sources, entry.span, entry.kind);
        const origin = originOf(owner, entry.span);
        return [{ section: entry.kind, key: '', text, origin, enforced: 'before TLS' }];
      }
    }
  }

  #rule(node: RuleNode, owner: string): Line {
    const { tier, name, span } = node;
    const compiled = this.#program.rules.find(
      (rule) => rule.span.file === span.file && rule.span.line === span.line && rule.name === name.text,
    );
    const enforced = enforcementOfCondition(this.#program, compiled?.when ?? []);
    const text = textAfter(this.#sources, span, '').replace(/^.*?\b(?:forbid|exempt|deny|pin) \S+ +/, '');
    const staged = node.stage === null ? text : `(${node.stage.kind}) ${text}`;
    return { section: tier, key: name.text, text: staged, origin: originOf(owner, span), enforced };
  }

  #ladder(entry: Extract<SiteEntry, { kind: 'ladder' }>, owner: string): Line[] {
    const shared = 'text' in entry.ladder ? find(this.#found.module, 'ladder', entry.ladder.text) : null;
    const rungs = 'text' in entry.ladder ? (shared?.node.rungs ?? []) : entry.ladder;
    const max = this.#program.scores[this.#site.score]!.max;
    const name = shared === null ? owner : fullName(shared);
    return rungs.map((rung, index): Line => {
      const to = Number(rungs[index + 1]?.from.text ?? max + 1) - 1;
      return {
        section: 'ladder',
        key: entry.stage === null ? '' : entry.stage.kind,
        text: rungText(rung, to),
        origin: originOf(name, rung.span),
        enforced: 'before TLS',
      };
    });
  }
}

function rungText({ from, policy }: RungNode, to: number): string {
  return `${from.text}..${to} use ${policy.text}`;
}
