/** Canaries and what is in shadow, as `decide` and `test` show them. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { jsonLines, SMALL, Workspace } from './support.ts';

const workspace = new Workspace();
after(() => workspace.remove());

const STAGED = SMALL.replace(
  '  ladder {',
  `  canary 50% by conn.ip deny half when hello.size > 1B do reset
  shadow deny all when hello.size > 1B do drop
  ladder {`,
);
const ADDRESSES = Array.from({ length: 16 }, (_, i) => `203.0.113.${i + 8}`);

test('decide names the side of a canary and what shadow would do, and tests find every client on the same side', () => {
  const policy = workspace.file('staged.pdl', STAGED);
  const facts = { 'hello.size': 300, 'hello.sni': 'shop.example', 'hello.alpn': ['h2'] };
  const input = ADDRESSES.map((ip) => JSON.stringify({ ip, facts }));
  const { stdout } = workspace.sallyport(['decide', '--policy', policy, '--jsonl'], input.join('\n'));
  const answers = jsonLines(stdout);
  assert.equal(answers.length, ADDRESSES.length);
  const tests = answers.map(({ action, canary, would_match, would_decide }, i) => {
    const [arm, ...others] = canary as { name: string; arm: string }[];
    assert.deepEqual(others, []);
    assert.deepEqual(arm, { name: 'half', arm: action === 'reset' ? 'canary' : 'rest' });
    assert.deepEqual(would_match, ['all']);
    assert.equal((would_decide as { action: string }).action, 'drop');
    return `test "client ${i}" for main {
  given { conn.ip ${ADDRESSES[i]}  hello.size 300B }
  expect { action ${action}  would_match { all } }
}`;
  });
  assert.deepEqual(new Set(answers.map(({ action }) => action)), new Set(['accept', 'reset']));
  const tested = workspace.file('tested.pdl', `${STAGED}${tests.join('\n')}\n`);
  const result = workspace.sallyport(['test', tested]);
  assert.equal(result.status, 0, result.stdout + result.stderr);
});

test('tests with --canary are run on both sides of every canary', () => {
  const either = (expect: string): string =>
    `${STAGED}test "everybody" for main { given { conn.ip 203.0.113.8  hello.size 300B } expect { ${expect} } }\n`;
  const results = (text: string): [number | null, boolean[]] => {
    const { status, stdout } = workspace.sallyport(['test', '--canary', workspace.file('both.pdl', text)]);
    const mine = jsonLines(stdout).filter(({ name }) => String(name).startsWith('everybody'));
    assert.deepEqual(
      mine.map(({ name }) => name),
      ['everybody (in every canary)', 'everybody (in no canary)'],
    );
    return [status, mine.map(({ passed }) => passed as boolean)];
  };
  assert.deepEqual(results(either('action reset')), [1, [true, false]]);
  assert.deepEqual(results(either('action accept')), [1, [false, true]]);
});
