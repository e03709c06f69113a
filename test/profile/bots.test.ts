import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BOTS, claimedBot, isNameOf } from '../../src/profile/bots.ts';

const GOOGLE = BOTS.find(({ name }) => name === 'Googlebot')!;

test('a User-Agent says which crawler it is', () => {
  for (const [text, name] of [
    ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'Googlebot'],
    [
      'Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36',
      'Bingbot',
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)',
      'Applebot',
    ],
    ['AdsBot-Google (+http://www.google.com/adsbot.html)', 'AdsBot-Google'],
    ['CCBot/2.0 (https://commoncrawl.org/faq/)', 'CCBot'],
  ] as const) {
    assert.equal(claimedBot(text)?.name, name, text);
  }
  assert.equal(
    claimedBot('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36'),
    null,
  );
  assert.equal(claimedBot(''), null);
});

test('a name is of a crawler only inside a domain of its operator', () => {
  for (const name of [
    'crawl-66-249-66-1.googlebot.com',
    'CRAWL.GoogleBot.com.',
    'rate-limited-proxy-1.google.com',
  ]) {
    assert.ok(isNameOf(GOOGLE, name), name);
  }
  for (const name of [
    'evilgooglebot.com',
    'googlebot.com.evil.example',
    'googlebot.com',
    'x.bc.googleusercontent.com',
    '',
  ]) {
    assert.ok(!isNameOf(GOOGLE, name), name);
  }
});

test('every crawler of the table has a word and a domain in lower case', () => {
  for (const { name, token, domains } of BOTS) {
    assert.equal(token, token.toLowerCase(), name);
    assert.ok(
      domains.length > 0 && domains.every((domain) => /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(domain)),
      name,
    );
  }
});
