/** `sallyport audit verify`: checks the hash chain of an audit log. */
import { verifyAuditLog } from '../../audit/verify.ts';
import { CliError, EXIT } from '../exit.ts';
import { chooseFormat, type Format } from '../output.ts';

/** Exit code 1 when a line was changed, or is missing inside the log. */
export async function verifyAudit(file: string, asked: Format | undefined): Promise<number> {
  const result = await verifyAuditLog(file).catch((error: Error) => {
    throw new CliError(`cannot read ${file}: ${error.message}`);
  });
  const { lines, lost, brokenAt, reason } = result;
  if (chooseFormat(asked) === 'json') process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (brokenAt === null) process.stdout.write(`${file}: ${lines} lines, chain intact, ${lost} lost\n`);
  else process.stdout.write(`${file}:${brokenAt}: ${reason}\n`);
  return brokenAt === null ? EXIT.ok : EXIT.problem;
}
