/** A policy as a picture: every site with its rules, score, ladder and policies. Pure text, for any viewer of SVG. */
import type { Program, Site } from '../ir.ts';
import { sitePanel, WIDTH } from './site-panel.ts';
import { STYLE } from './style.ts';
import { escapeXml, rect } from './svg.ts';

const MARGIN = 20;
const GAP = 20;

/** An SVG document that follows the viewer's light or dark scheme. `title` names it for those who cannot see it. */
export function drawPolicy(program: Program, title: string): string {
  let y = 0;
  const panels = panelsOf(program).map(({ site, name, state }) => {
    const { elements, height } = sitePanel(program, site, name, state, y);
    y += height + GAP;
    return `<g>\n${elements.join('\n')}\n</g>`;
  });
  const [width, height] = [WIDTH + 2 * MARGIN, Math.ceil(y - GAP) + 2 * MARGIN];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-MARGIN} ${-MARGIN} ${width} ${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    rect('page', -MARGIN, -MARGIN, width, height),
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

interface Panel {
  readonly site: Site;
  readonly name: string;
  readonly state: string;
}

/** A site that depends on modes has a panel for each combination of states that makes it another one. */
function panelsOf(program: Program): Panel[] {
  return program.sites
    .filter(({ listeners }) => listeners.length > 0)
    .flatMap((site): Panel[] => {
      const { name, forms, sni, listeners } = site;
      if (forms === undefined) return [{ site, name, state: '' }];
      const seen = new Map<number, string[]>();
      forms.sites.forEach((index, combination) => {
        seen.set(index, [...(seen.get(index) ?? []), stateOf(program, forms.modes, combination)]);
      });
      return [...seen].map(([index, states]) => ({
        site: { ...program.sites[index]!, sni, listeners },
        name,
        state: states.join(' or '),
      }));
    });
}

/** `posture siege`: the last mode's states vary fastest. */
function stateOf(program: Program, modes: readonly number[], combination: number): string {
  const names: string[] = [];
  let rest = combination;
  for (const index of modes.toReversed()) {
    const { name, states } = program.modes[index]!;
    names.unshift(`${name} ${states[rest % states.length]!.name}`);
    rest = Math.floor(rest / states.length);
  }
  return names.join(', ');
}
