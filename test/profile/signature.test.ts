import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSignature, quirkBits } from '../../src/profile/signature.ts';

const at = (text: string): number | null => {
  const read = parseSignature(text);
  return 'message' in read ? read.at : null;
};

test('a signature has its eight fields', () => {
  assert.deepEqual(parseSignature('*:54+10:4:*:mss*20,7:mss,sok,ts,nop,ws:df,id+:0'), {
    version: null,
    ttl: 64,
    anyTtl: false,
    optionsLength: 4,
    mss: null,
    window: { kind: 'mss', value: 20 },
    scale: 7,
    layout: 'mss,sok,ts,nop,ws',
    quirks: quirkBits('df', 'id+'),
    payload: false,
  });
});

test('wildcards, random TTLs, multiples and padding are read', () => {
  const read = parseSignature('6:64-:0:1460:%8192,*:mss,eol+2,?27:flow:*');
  assert.ok(!('message' in read));
  assert.equal(read.anyTtl, true);
  assert.deepEqual(read.window, { kind: 'modulo', value: 8_192 });
  assert.equal(read.scale, null);
  assert.equal(read.payload, null);
});

test('what is wrong with a signature is said at its field', () => {
  const good = ['4', '64', '0', '1460', '1024,0', 'mss', 'df', '0'];
  const bad = ['5', '256', '41', '65536', '%0,1', 'mss,xyz', 'df,flow', '1'];
  bad.forEach((value, field) => {
    const fields = good.with(field, value);
    assert.equal(
      at(fields.join(':')),
      fields.slice(0, field).join(':').length + (field === 0 ? 0 : 1),
      value,
    );
  });
  for (const text of ['', ':::::::', '4:64:0:1460:1024,0:mss:df', '4:64:0:1460:1024,0:mss:df:0:']) {
    assert.notEqual(at(text), null, text);
  }
});
