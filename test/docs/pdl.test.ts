import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withTables } from '../../scripts/generate-reference.ts';
import { FACT_DOCS } from '../../src/pdl/registry/fact-docs.ts';
import { FACTS } from '../../src/pdl/registry/facts.gen.ts';
import { MAIN } from '../cli/support.ts';

const PAGE = readFileSync(new URL('../../docs/pdl.md', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'sallyport-guide-'));
after(() => rmSync(directory, { recursive: true }));

test('the tables of the reference are those of the code (else: node scripts/generate-reference.ts)', () => {
  assert.equal(PAGE, withTables(PAGE));
});

test('every fact has its sentence in the reference, and no sentence is without its fact', () => {
  const names = FACTS.map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !(name in FACT_DOCS)),
    [],
  );
  assert.deepEqual(
    Object.keys(FACT_DOCS).filter((name) => !names.includes(name)),
    [],
  );
});

test('the picture in the documentation is what graph draws of the default policy', () => {
  const path = fileURLToPath(new URL('../../policies/three-tiers.pdl', import.meta.url));
  const { stdout } = spawnSync(process.execPath, [MAIN, 'graph', path], { encoding: 'utf8' });
  assert.equal(readFileSync(new URL('../../docs/three-tiers.svg', import.meta.url), 'utf8'), stdout);
});

interface Step {
  readonly kind: 'file' | 'command';
  readonly text: string;
  /** Of a file: does it add to what is there? */
  readonly adds: boolean;
}

/** The blocks of the guide in order: files to save or to add to, and commands with what they print. */
function steps(): Step[] {
  const guide = PAGE.slice(PAGE.indexOf('## Ten minutes'), PAGE.indexOf('\n## A file'));
  return [...guide.matchAll(/([^\n]*\n[^\n]*)\n\n```(pdl|console)\n([\s\S]*?)```/g)].map(
    ([, before, language, text = '']) => ({
      kind: language === 'pdl' ? 'file' : 'command',
      text,
      adds: /Add to/.test(before!),
    }),
  );
}

/** What people see: on a terminal the format is human without being asked for. */
function run(command: string): string {
  const asked = command.replaceAll(
    /\bsallyport (\w+)/g,
    (_, verb: string) => `"${process.execPath}" "${MAIN}" ${verb} --format human`,
  );
  const { stdout, stderr } = spawnSync('bash', ['-c', asked], { cwd: directory, encoding: 'utf8' });
  return stdout + stderr;
}

const withoutTimes = (text: string): string => text.replaceAll(/\d+\.\d\d s$/gm, '… s').trimEnd();

test('the guide, followed word by word, prints what it shows', () => {
  const all = steps();
  assert.ok(all.length >= 8, `${all.length} steps`);
  for (const { kind, text, adds } of all) {
    if (kind === 'file') (adds ? appendFileSync : writeFileSync)(join(directory, 'policy.pdl'), text);
    else {
      const [command = '', ...shown] = text.split('\n');
      assert.match(command, /^\$ /);
      assert.equal(withoutTimes(run(command.slice(2))), withoutTimes(shown.join('\n')), command);
    }
  }
});
