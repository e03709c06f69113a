/** The verbs about what a client sends first. */
import { type Command, Option } from 'commander';
import type { InspectClientOptions } from './commands/inspect-client.ts';
import type { CaptureOptions } from './commands/inspect-pcap.ts';
import type { DatabaseFlags } from './databases.ts';
import { CLIENT_TABLE, formatOption, jsonlOption, withDatabases } from './options.ts';
import type { Format } from './output.ts';

const STACKS = "signatures in the format of p0f.fp instead of the package's own";

/** Of all of them, for `sallyport inspect --help`. */
export const INSPECT_EXAMPLES: string =
  '  echo 1603010… | sallyport inspect hello\n  sallyport inspect syn --jsonl < syns.jsonl\n' +
  '  sallyport inspect client --hello hello.bin --user-agent "$AGENT"\n';

/** Adds them below `inspect`. */
export function addInspectVerbs(inspect: Command, done: (code: number) => void): void {
  const verb = (name: string, description: string, examples: string): Command =>
    inspect
      .command(name)
      .description(description)
      .exitOverride()
      .addHelpText('after', `\nExamples:\n${examples}`);

  verb(
    'hello',
    'Reads ClientHellos: hex, or objects with `record_hex` or `handshake_hex`, and `proto` (tls, dtls, quic), one a line.',
    '  echo 1603010… | sallyport inspect hello\n  sallyport inspect hello --jsonl < hellos.jsonl | jq .ja4\n',
  )
    .option('--client-table <file>', CLIENT_TABLE)
    .addOption(jsonlOption())
    .action(async ({ clientTable, jsonl }: { clientTable?: string; jsonl?: true }) => {
      const { inspectHellos } = await import('./commands/inspect.ts');
      done(await inspectHellos(clientTable ?? null, jsonl === true));
    });

  withDatabases(
    verb(
      'client',
      'Reads a ClientHello, a SYN, a User-Agent and an address of one client, and prints all that they tell.',
      '  sallyport inspect client --hello hello.bin --syn 4500003c… --user-agent "$AGENT"\n' +
        '  sallyport inspect client --hello - --format json < hello.hex | jq .client\n',
    ),
  )
    .option('--hello <hex>', 'the ClientHello, a file with its hex or bytes, or - for standard input')
    .option('--syn <hex>', 'the IP and TCP headers of the SYN, likewise')
    .option('--user-agent <text>', 'the User-Agent, or - for standard input')
    .option('--ip <address>', 'the address, looked up in --geo-country and --geo-asn')
    .addOption(new Option('--proto <name>', 'of the hello').choices(['tls', 'dtls', 'quic']).default('tls'))
    .option('--p0f-db <file>', STACKS)
    .option('--client-table <file>', CLIENT_TABLE)
    .addOption(formatOption())
    .action(async (options: InspectClientOptions) => {
      const { inspectClient } = await import('./commands/inspect-client.ts');
      done(await inspectClient(options));
    });

  verb(
    'syn',
    'Reads TCP SYNs: hex of the IP and TCP headers, or objects with `ip_hex`, one a line.',
    '  echo 4500003c… | sallyport inspect syn\n  sallyport inspect syn --jsonl < syns.jsonl | jq .os\n',
  )
    .option('--p0f-db <file>', STACKS)
    .addOption(jsonlOption())
    .action(async ({ p0fDb, jsonl }: { p0fDb?: string; jsonl?: true }) => {
      const { inspectSyns } = await import('./commands/inspect.ts');
      done(await inspectSyns(p0fDb ?? null, jsonl === true));
    });

  verb(
    'cert',
    'Reads the certificates of a file, PEM or DER, and prints what a policy can ask about them.',
    '  sallyport inspect cert client.pem\n',
  )
    .argument('<file>', 'the certificates')
    .addOption(formatOption())
    .action(async (file: string, { format }: { format?: Format }) => {
      const { inspectCertificates } = await import('./commands/inspect-cert.ts');
      done(inspectCertificates(file, format));
    });

  withDatabases(
    verb(
      'address',
      'Reads IP addresses, one a line: the country and the autonomous system each is from.',
      '  echo 203.0.113.7 | sallyport inspect address --geo-country GeoLite2-Country.mmdb\n' +
        '  sallyport inspect address --geo-asn GeoLite2-ASN.mmdb --jsonl < addresses.txt\n',
    ),
  )
    .addOption(jsonlOption())
    .action(async ({ jsonl, ...databases }: DatabaseFlags & { jsonl?: true }) => {
      const { inspectAddresses } = await import('./commands/inspect-address.ts');
      done(await inspectAddresses(databases, jsonl === true));
    });

  withDatabases(
    verb(
      'pcap',
      'Reads a capture (pcap, pcapng; - for standard input): every TLS connection with its profile.',
      '  sallyport inspect pcap capture.pcapng\n  sallyport inspect pcap capture.pcap --policy policy.pdl\n' +
        '  tcpdump -w - tcp port 443 | sallyport inspect pcap - --format json\n',
    ),
  )
    .argument('<file>', 'the capture')
    .option('--policy <file>', 'say what this policy decides about each, on its own')
    .option('--site <name>', 'decide for this site whatever name the client asks for')
    .option('--p0f-db <file>', STACKS)
    .option('--client-table <file>', CLIENT_TABLE)
    .addOption(formatOption())
    .action(async (file: string, options: CaptureOptions) => {
      const { inspectPcap } = await import('./commands/inspect-pcap.ts');
      done(await inspectPcap(file, options));
    });
}
