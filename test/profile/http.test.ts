import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type HttpProfile, profileRequest } from '../../src/profile/http.ts';

function profile(url: string, rawHeaders: readonly string[] = []): HttpProfile {
  return profileRequest({ method: 'GET', url, httpVersionMajor: 1, httpVersionMinor: 1, rawHeaders });
}

for (const [target, path] of [
  ['/', '/'],
  ['/a/b?c=d', '/a/b'],
  ['/a/./b/../c', '/a/c'],
  ['/%61dmin', '/admin'],
  ['/%2561', '/%2561'],
  ['/a%2fb', '/a%2fb'],
  ['/../../x', '/x'],
  ['//evil.example/x', '//evil.example/x'],
  ['https://shop.example/cart?x', '/cart'],
  ['https://shop.example', '/'],
  ['*', '/'],
  ['', '/'],
] as const) {
  test(`the path of the target ${JSON.stringify(target)} is ${path}`, () => {
    assert.equal(profile(target).path, path);
  });
}

for (const [authority, host] of [
  ['Shop.Example', 'shop.example'],
  ['shop.example:8443', 'shop.example'],
  ['shop.example.', 'shop.example'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['', null],
] as const) {
  test(`the host of ${JSON.stringify(authority)} is ${host}`, () => {
    assert.equal(profile('/', ['Host', authority]).host, host);
  });
}

test('the authority of HTTP/2 and of an absolute target outrank the Host field', () => {
  assert.equal(profile('/', [':authority', 'one.example', 'host', 'two.example']).host, 'one.example');
  assert.equal(profile('http://one.example/', ['Host', 'two.example']).host, 'one.example');
});

test('names of headers are lower case, each once, in order and without pseudo-header fields', () => {
  const raw = [':method', 'GET', 'B', '1', 'a', '2', 'b', '3'];
  assert.deepEqual(profile('/', raw).headers, ['b', 'a']);
});

test('cookies are counted over all Cookie fields', () => {
  assert.equal(profile('/', ['Cookie', 'a=1; b=2', 'cookie', ' c=3;']).cookies, 3);
  assert.equal(profile('/', ['Cookie', ';;']).cookies, 0);
});

test('a Content-Length that is no number is unknown', () => {
  assert.equal(profile('/', ['Content-Length', '12']).contentLength, 12);
  for (const value of ['-1', '1e3', '0x1', '', '9'.repeat(40)]) {
    assert.equal(profile('/', ['Content-Length', value]).contentLength, null);
  }
});

test('no request makes it throw, and no path keeps a query or a dot segment', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (url, headers) => {
      const { path } = profile(url, headers);
      assert.match(path, /^\//);
      assert.doesNotMatch(path, /[?#]/);
      assert.ok(!path.split('/').includes('..'));
    }),
  );
});
