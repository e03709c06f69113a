/** `sallyport reload`: asks a running edge, through its admin API, to read its policy again. */
import type { ReloadResult } from '../../admin/control.ts';
import { type AdminOptions, askAdmin } from '../admin-client.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format, printDiagnostics } from '../output.ts';

export interface ReloadOptions extends AdminOptions {
  readonly format?: Format;
}

/** Exit code 1 when the new policy was refused: the one in force stays. */
export async function reload(options: ReloadOptions): Promise<number> {
  const format = chooseFormat(options.format);
  const { status, body } = await askAdmin(options, 'POST', '/v1/reload');
  if (status !== 200 && status !== 422) throw new CliError(`the admin API answered ${status}`);
  const result = body as ReloadResult;
  if (!result.ok) {
    printDiagnostics(result.diagnostics, new Map(), format);
    if (format === 'human') process.stderr.write('refused: the policy in force stays\n');
    return EXIT.problem;
  }
  process.stdout.write(
    format === 'json'
      ? `${JSON.stringify(result)}\n`
      : `reloaded: policy image ${result.imageId.slice(0, 12)}, epoch ${result.epoch}\n`,
  );
  return EXIT.ok;
}
