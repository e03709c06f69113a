/** `sallyport mode`: shows the modes of a running edge, or holds one of them in a state. */
import type { ModeReport } from '../../orchestrator/modes.ts';
import { type AdminOptions, askAdminFor } from '../admin-client.ts';
import { EXIT } from '../exit.ts';
import { chooseFormat, type Format, useColor } from '../output.ts';
import { painter } from '../style.ts';
import { span, table } from '../table.ts';

export interface ModeOptions extends AdminOptions {
  readonly format?: Format;
}

/** In place of a state: the mode follows its conditions again. */
const AUTO = 'auto';

/** Without a name it shows all modes; without a state the one. */
export async function mode(
  name: string | undefined,
  state: string | undefined,
  options: ModeOptions,
): Promise<number> {
  const format = chooseFormat(options.format);
  const modes = await ask(name, state, options);
  if (format === 'json') process.stdout.write(`${JSON.stringify({ modes })}\n`);
  else if (modes.length === 0) process.stdout.write('the policy in force has no modes\n');
  else process.stdout.write(draw(modes));
  return EXIT.ok;
}

async function ask(
  name: string | undefined,
  state: string | undefined,
  options: ModeOptions,
): Promise<readonly ModeReport[]> {
  if (name !== undefined && state !== undefined) {
    const body = { state: state === AUTO ? null : state };
    return [await askAdminFor<ModeReport>(options, 'POST', `/v1/modes/${encodeURIComponent(name)}`, body)];
  }
  const { modes } = await askAdminFor<{ readonly modes: readonly ModeReport[] }>(options, 'GET', '/v1/modes');
  return name === undefined ? modes : modes.filter((each) => each.name === name);
}

function draw(modes: readonly ModeReport[]): string {
  const rows = modes.map(({ name, states, state, forced, sinceMs }) => {
    const others = states.filter((each) => each !== state).join(', ');
    return [name, state, forced ? 'by hand' : 'by itself', span(Date.now() - sinceMs), others];
  });
  return table(['mode', 'state', 'set', 'for', 'other states'], rows, painter(useColor(process.stdout)));
}
