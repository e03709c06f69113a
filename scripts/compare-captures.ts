/** Compares what `inspect pcap` finds in captures with what tshark does: as they are, and written anew in other forms. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Progress } from '../src/cli/progress.ts';
import { CaptureError } from '../src/pcap/container.ts';
import { REWRITES, rewrite } from '../test/support/pcap-rewriter.ts';
import { ourJa3, tsharkJa3 } from '../test/support/pcap-rows.ts';

const program = new Command('compare-captures')
  .description(
    'Compares the TLS connections that `inspect pcap` finds in captures with those that tshark finds.',
  )
  .argument('<paths...>', 'captures, and folders of them')
  .option('--rewrites', 'also with their packets in fragments, under VLAN tags and in other link layers')
  .addHelpText(
    'after',
    '\nExit code 1 when a connection differs. Captures that tshark cannot read are passed over.',
  );

const filesIn = (path: string): readonly string[] =>
  statSync(path).isFile()
    ? [path]
    : readdirSync(path, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(?:pcap|pcapng|cap)$/.test(name))
        .map((name) => join(path, name));

interface Sum {
  streams: number;
  differing: number;
}

/** Counts the streams of tshark, and those that only one of the two has or that have another JA3. */
async function compare(file: string, name: string, sum: Sum): Promise<void> {
  const theirs = await tsharkJa3(file);
  // A hello that is not whole has no JA3 for either.
  const ours = new Map([...ourJa3(file)].filter(([, ja3]) => ja3 !== null));
  for (const client of new Set([...theirs.keys(), ...ours.keys()])) {
    const [one, other] = [ours.get(client), theirs.get(client)];
    sum.streams++;
    if (one === other) continue;
    sum.differing++;
    process.stdout.write(
      `${name}: ${client}: ${one ?? 'not found'}, tshark ${other ?? 'does not find it'}\n`,
    );
  }
}

async function main(paths: readonly string[], withRewrites: boolean): Promise<number> {
  const files = paths.flatMap(filesIn);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-compare-'));
  const progress = new Progress('captures', files.length);
  const sums = new Map<string, Sum>();
  const sumOf = (how: string): Sum => {
    if (!sums.has(how)) sums.set(how, { streams: 0, differing: 0 });
    return sums.get(how)!;
  };
  for (const file of files) {
    progress.step();
    try {
      if ((await tsharkJa3(file)).size === 0 && ourJa3(file).size === 0) continue;
      await compare(file, file, sumOf('as it is'));
      for (const [how, wanted] of withRewrites ? Object.entries(REWRITES) : []) {
        const rewritten = join(folder, 'rewritten.pcap');
        writeFileSync(rewritten, rewrite(readFileSync(file), wanted));
        await compare(rewritten, `${file} ${how}`, sumOf(how));
      }
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      process.stdout.write(`${file}: ${error.message}\n`);
    }
  }
  progress.end();
  rmSync(folder, { recursive: true });
  for (const [how, { streams, differing }] of sums) {
    process.stdout.write(`${how}: ${streams} streams, ${differing} differ\n`);
  }
  return [...sums.values()].some(({ differing }) => differing > 0) ? 1 : 0;
}

program.action(async (paths: readonly string[], { rewrites }: { readonly rewrites?: true }) => {
  process.exitCode = await main(paths, rewrites === true);
});
await program.parseAsync();
