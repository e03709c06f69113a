import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Core } from '../../src/core/core.ts';
import { SYN_WINDOW_AT } from '../../src/core/layout.gen.ts';
import { loadCoreModule } from '../../src/core/module.ts';
import { StackMatcher } from '../../src/profile/stack-matcher.ts';
import { loadStacks, OWN_STACKS } from '../../src/profile/stacks.ts';
import { missing, readLines } from '../support/shared-data.ts';

const SYNS = 'syn-dev.jsonl';
/** What our names are called in p0f's database. */
const FAMILIES: readonly (readonly [p0f: RegExp, ours: string])[] = [
  [/^Windows/, 'Windows'],
  [/^Linux/, 'Linux'],
  [/^Mac ?OS X/, 'Darwin'],
];

function matcher(): (packet: Uint8Array) => ReturnType<StackMatcher['match']> {
  const core = new Core(loadCoreModule());
  const stacks = new StackMatcher(loadStacks(OWN_STACKS).stacks!);
  return (packet) => {
    assert.equal(core.parseSyn(packet), 0);
    return stacks.match(core.synText, core.synNumber(SYN_WINDOW_AT));
  };
}

test('wherever p0f names a system, the family is the same', { skip: missing(SYNS) }, () => {
  const match = matcher();
  let compared = 0;
  for (const { ip_hex, p0f_3_09b: p0f, name } of readLines(SYNS)) {
    const family = FAMILIES.find(([pattern]) => pattern.test(p0f?.os ?? ''))?.[1];
    if (family === undefined) continue;
    const { os, family: ours } = match(Buffer.from(ip_hex, 'hex'));
    // Android is Linux; p0f 3.09b does not know it.
    assert.equal(os?.startsWith('Android') ? 'Linux' : ours, family, `${name}: ${p0f.os} is ${os}`);
    compared++;
  }
  assert.ok(compared >= 40);
});

test('where p0f knows no system, none is made up from half a signature', { skip: missing(SYNS) }, () => {
  const match = matcher();
  const unknown = readLines(SYNS).filter(({ p0f_3_09b: p0f }) => p0f?.os === '???');
  assert.ok(unknown.length > 0);
  for (const { ip_hex, name } of unknown) assert.equal(match(Buffer.from(ip_hex, 'hex')).os, null, name);
});
