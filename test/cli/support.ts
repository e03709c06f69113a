/** Runs the command in a folder of its own. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const MAIN: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export class Workspace {
  readonly directory: string = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));

  /** Writes a file, with its folders; answers its name. */
  file(name: string, text: string): string {
    const path = join(this.directory, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return name;
  }

  sallyport(args: readonly string[], input: string = ''): SpawnSyncReturns<string> {
    return spawnSync(process.execPath, [MAIN, ...args], {
      cwd: this.directory,
      input,
      encoding: 'utf8',
    });
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A small policy with one site and one test that holds; text behind it is added. */
export const SMALL: string = `pdl 1
import "std/tls" as tls
set listed of cidr = { 198.51.100.0/24 }
score risk {
  clamp 0..100
  group shape cap 50 { signal no_sni +30 when unknown hello.sni  signal no_alpn +40 when count(hello.alpn) == 0 }
  signal is_listed +60 when conn.ip in listed
}
policy low  extends tls.intermediate { }
policy high extends tls.modern { action refuse alert access_denied  rank 90 }
site main {
  listen edge
  sni { "shop.example" }
  score risk
  ladder { from 0 use low  from 60 use high }
  on_error use low
}
test "a browser walks in" for main { given { conn.ip 203.0.113.7 } expect { policy low  score 0 } }
`;
