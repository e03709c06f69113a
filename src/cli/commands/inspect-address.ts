/** `sallyport inspect address`: where addresses are from. */
import { formatIp, parseIp } from '../../orchestrator/ip.ts';
import { Origins } from '../../profile/address/origins.ts';
import { type DatabaseFlags, openDatabases } from '../databases.ts';
import { CliError } from '../exit.ts';
import { failure } from '../lines.ts';
import { inspectLines } from './inspect.ts';

/** Reads standard input. Exit code 1 when a line was in error, unless `jsonl`. @throws CliError for the databases. */
export async function inspectAddresses(flags: DatabaseFlags, jsonl: boolean): Promise<number> {
  if (flags.geoCountry === undefined && flags.geoAsn === undefined) {
    throw new CliError('name a MaxMind database with --geo-country, --geo-asn or both');
  }
  const origins = new Origins(openDatabases(flags));
  return inspectLines((line) => {
    const address = parseIp(line);
    if (address === null) return failure('bad_input', 'a line is an IP address');
    return { ip: formatIp(address.ip, address.isV4), ...origins.find(address.ip, address.isV4) };
  }, jsonl);
}
