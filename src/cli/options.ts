/** Flags that several verbs have. */
import { type Command, Option } from 'commander';

export const CLIENT_TABLE: string = "TLS clients over the package's own, as in clients.tsv";

/** `human` on a terminal and `json` elsewhere unless asked for something else. */
export function formatOption(...formats: readonly string[]): Option {
  return new Option('--format <format>', 'default: human on a terminal, json elsewhere').choices(
    formats.length === 0 ? ['human', 'json'] : formats,
  );
}

export function jsonlOption(): Option {
  return new Option('--jsonl', 'one compact object a line; exit 0 even when lines are in error');
}

/** The configuration of a running edge. */
export function configOption(): Option {
  return new Option('--config <file>', 'the configuration').default('sallyport.yaml').env('SALLYPORT_CONFIG');
}

/** Another address or token than the configuration's. */
export function withAdmin(command: Command): Command {
  return command
    .option('--admin-address <address>', 'instead of the one in the configuration')
    .option('--token-file <file>', 'instead of the one in the configuration');
}

export function withDatabases(command: Command): Command {
  return command
    .option('--geo-country <file>', 'MaxMind database that countries are looked up in')
    .option('--geo-asn <file>', 'MaxMind database that autonomous systems are looked up in');
}
