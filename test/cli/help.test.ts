import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The verbs that do something, each with its words. */
function verbsOf(command: Command, words: readonly string[] = []): [string, Command][] {
  if (command.commands.length === 0) return [[words.join(' '), command]];
  return command.commands.flatMap((each) => verbsOf(each, [...words, each.name()]));
}

const verbs = verbsOf(buildProgram(() => {}));

function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
  return text;
}

test('every verb has examples of itself', () => {
  for (const [name, command] of verbs) {
    const [, examples = ''] = helpOf(command).split('\nExamples:\n');
    assert.ok(examples.includes(`sallyport ${name}`), name);
  }
});

test('every flag of an example exists', () => {
  const known = new Map(verbs);
  for (const [name, command] of verbs) {
    const [, examples = ''] = helpOf(command).split('\nExamples:\n');
    for (const [, line = ''] of examples.matchAll(/sallyport ([^|#\n]*)/g)) {
      const verb = [line.split(' ').slice(0, 2).join(' '), line.split(' ')[0]!].find((each) =>
        known.has(each),
      );
      assert.ok(verb, `${name}: ${line}`);
      const flags = known.get(verb)!.options.map(({ long }) => long);
      for (const [flag] of line.matchAll(/--[a-z-]+/g)) assert.ok(flags.includes(flag), `${name}: ${flag}`);
    }
  }
});

test('every verb stands in the README', () => {
  const words = new Set(verbs.map(([name]) => name.split(' ')[0]!));
  for (const word of words) assert.match(readme, new RegExp(`^\\| .*\`${word}( \\w+)?\`.* \\|`, 'm'), word);
});
