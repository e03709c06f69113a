/** The few SVG elements that the picture of a policy is made of. Lengths are pixels. */

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ENTITIES[character]!);
}

/** `className` chooses colours, which the style sheet gives for light and dark. */
export function rect(
  className: string,
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number = 0,
): string {
  const size = `x="${round(x)}" y="${round(y)}" width="${round(Math.max(0, width))}" height="${round(height)}"`;
  return `<rect class="${className}" ${size} rx="${radius}"/>`;
}

export function text(
  className: string,
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const at = `x="${round(x)}" y="${round(y)}"${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}`;
  return `<text class="${className}" ${at}>${escapeXml(content)}</text>`;
}

export function path(className: string, d: string): string {
  return `<path class="${className}" d="${d}"/>`;
}

/** Text that fits into `width` at the width of an average character, cut with an ellipsis. */
export function fitted(content: string, width: number, perCharacter: number): string {
  const most = Math.max(1, Math.floor(width / perCharacter));
  return content.length <= most ? content : `${content.slice(0, most - 1)}…`;
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Elements drawn from a given top on, and the height they take. */
export interface Block {
  readonly elements: readonly string[];
  readonly height: number;
}
