import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { safeReturnPath } from '../../src/challenge/return-path.ts';

test('paths with a query are kept', () => {
  for (const path of ['/', '/a/b?c=d&e=%20', '/a//b', '/~x;y=(1)']) assert.equal(safeReturnPath(path), path);
});

test('what could lead elsewhere becomes the root', () => {
  const bad = [
    '',
    'x',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    '\t//evil.example',
    ' //evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/a\r\nSet-Cookie: x=y',
    '/\u0000',
    '/\u2028',
    '/é',
    `/${'a'.repeat(2048)}`,
  ];
  for (const value of bad) assert.equal(safeReturnPath(value), '/', JSON.stringify(value));
});

test('no text leads to another origin', () => {
  const piece = fc.constantFrom(
    '/',
    '\\',
    '.',
    '..',
    '\t',
    '\n',
    '@',
    ':',
    '?',
    '#',
    'evil.example',
    'https:',
    '%2f',
  );
  const text = fc.oneof(
    fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    fc.string({ unit: 'binary', maxLength: 20 }),
  );
  fc.assert(
    fc.property(text, (value) => {
      for (const candidate of [value, `/${value}`]) {
        const target = new URL(safeReturnPath(candidate), 'https://home.example/x');
        assert.equal(target.origin, 'https://home.example');
      }
    }),
  );
});
