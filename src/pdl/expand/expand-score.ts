/** A score with everything it inherits, signal by signal. */
import { type Found, fullName, lookup } from '../compile/modules.ts';
import type { Report } from '../diagnostics/diagnostic.ts';
import type { Program, Score } from '../ir.ts';
import type { ScoreNode, SignalNode } from '../syntax/ast.ts';
import { enforcementOfCondition, enforcementOfOperands } from './enforcement.ts';
import { type Line, originOf, type Sources, textAfter } from './lines.ts';

export interface ExpandedScore {
  readonly name: string;
  readonly extends: readonly string[];
  readonly lines: readonly Line[];
}

export function expandScore(
  found: Found<ScoreNode>,
  compiled: Score,
  program: Program,
  sources: Sources,
  report: Report,
): ExpandedScore {
  const chain = chainOf(found, report);
  const lines: Line[] = [];
  const put = (line: Line): void => {
    const earlier = lines.findIndex(({ section, key }) => section === line.section && key === line.key);
    if (earlier === -1) lines.push(line);
    else lines[earlier] = line;
  };
  const addSignal = (node: SignalNode, section: string, owner: string): void => {
    const text = textAfter(sources, node.span, `signal ${node.name.text}`).replace(/^.*?signal \S+ +/, '');
    const enforced = enforcementOfSignal(program, compiled, node.name.text);
    put({ section, key: node.name.text, text, origin: originOf(owner, node.span), enforced });
  };
  for (const link of chain) {
    const owner = fullName(link);
    for (const entry of link.node.entries) {
      switch (entry.kind) {
        case 'clamp':
          put({
            section: 'clamp',
            key: '',
            text: textAfter(sources, entry.span, 'clamp'),
            origin: originOf(owner, entry.span),
            enforced: 'before TLS',
          });
          break;
        case 'group': {
          const { name, cap, floor, signals, span } = entry.group;
          const text = `cap ${cap.text}${floor === null ? '' : ` floor ${floor.text}`}`;
          put({
            section: `group ${name.text}`,
            key: '',
            text,
            origin: originOf(owner, span),
            enforced: 'before TLS',
          });
          for (const signal of signals) addSignal(signal, `group ${name.text}`, owner);
          break;
        }
        case 'signal':
          addSignal(entry.signal, 'signal', owner);
          break;
        case 'retune': {
          const index = lines.findIndex(({ key }) => key === entry.name.text);
          if (index === -1) break;
          const points = textAfter(sources, entry.span, `retune ${entry.name.text}`);
          const text = lines[index]!.text.replace(/^[+-]?\d+(?:\.\.[+-]?\d+)?/, points);
          lines[index] = { ...lines[index]!, text, origin: originOf(owner, entry.span) };
          break;
        }
        case 'remove': {
          const index = lines.findIndex(({ key }) => key === entry.name.text);
          if (index !== -1) lines.splice(index, 1);
        }
      }
    }
  }
  return { name: fullName(found), extends: chain.slice(0, -1).map((link) => fullName(link)), lines };
}

function chainOf(found: Found<ScoreNode>, report: Report): Found<ScoreNode>[] {
  const chain = [found];
  for (let link = found; link.node.parent !== null; ) {
    const parent = lookup(link.module, ['score'], link.node.parent, report);
    if (parent === null) break;
    chain.unshift(parent);
    link = parent;
  }
  return chain;
}

function enforcementOfSignal(program: Program, score: Score, name: string): Line['enforced'] {
  const signal = score.signals.find((each) => each.name === name);
  if (signal?.ramp) return enforcementOfOperands([signal.ramp.operand]);
  return enforcementOfCondition(program, signal?.when ?? []);
}
