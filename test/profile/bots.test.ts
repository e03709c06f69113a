import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
    'geo-crawl-66-249-66-1.geo.googlebot.com',
  ]) {
    assert.ok(isNameOf(GOOGLE, name), name);
  }
  for (const name of [
    'evilgooglebot.com',
    'googlebot.com.evil.example',
    'googlebot.com',
    'x.bc.googleusercontent.com',
    'google-proxy-66-249-66-1.google.com',
    '',
  ]) {
    assert.ok(!isNameOf(GOOGLE, name), name);
  }
});

test('every crawler of the table has a word, a source, and domains or ranges', () => {
  for (const { name, token, domains, ranges, source } of BOTS) {
    assert.equal(token, token.toLowerCase(), name);
    assert.equal(claimedBot(token)?.name, name, 'no other word hides it');
    assert.ok(domains.length > 0 || ranges !== null, name);
    assert.ok(
      domains.every((domain) => /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(domain)),
      name,
    );
    assert.ok(URL.canParse(source), name);
    assert.ok(ranges === null || new URL(ranges).protocol === 'https:', name);
  }
});

test('the page about crawlers has every one of them with its source', () => {
  const rows = readFileSync(new URL('../../docs/bots.md', import.meta.url), 'utf8').split('\n');
  for (const { name, domains, ranges, source } of BOTS) {
    const row = rows.find((line) => line.includes(source) && line.includes(name));
    assert.ok(row !== undefined, name);
    for (const domain of domains) assert.ok(row.includes(`\`${domain}\``), `${name}: ${domain}`);
    if (ranges !== null) assert.ok(row.includes(ranges), `${name}: ${ranges}`);
  }
});
