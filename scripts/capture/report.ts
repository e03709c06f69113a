/** The page that shows what real clients are called: each was run, and its hellos looked up in the table as it stands. */
import type { ClientMatch } from '../../src/profile/client-matcher.ts';
import type { Installed } from './list.ts';

/** What one client's hellos were called. */
export interface Named {
  readonly client: Installed;
  readonly matches: readonly (ClientMatch | null)[];
}

const BEGIN = '<!-- clients: written by `npm run capture-clients -- --report` -->';
const END = '<!-- /clients -->';

/** Its own name, or that of the library it sends the hello of. */
function isRight({ name, library }: Installed, match: ClientMatch | null): boolean {
  return match !== null && (match.name === name || match.name === library);
}

export function wrongOf({ client, matches }: Named): number {
  return matches.filter((match) => !isRight(client, match)).length;
}

/** The page with its table written anew. @throws Error when it has no place for it. */
export function reportPage(page: string, named: readonly Named[]): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`the page has no lines ${BEGIN} and ${END}`);
  const rows = named.map((each) => {
    const { client, matches } = each;
    const names = [...new Set(matches.map((match) => match?.name ?? 'nothing'))];
    const right = matches.length - wrongOf(each);
    return [
      client.label,
      client.library ?? 'its own hellos',
      names.join(', '),
      `${right} of ${matches.length}`,
    ];
  });
  const table = [['Program', 'TLS library', 'Called', 'Rightly'], ['---', '---', '---', '---'], ...rows];
  return `${before}${BEGIN}\n${table.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}${END}${after}`;
}
