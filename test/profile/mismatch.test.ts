import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClientMatch, MatchLevel } from '../../src/profile/client-matcher.ts';
import { judgeSystem, judgeTool } from '../../src/profile/mismatch.ts';
import type { StackMatch } from '../../src/profile/stack-matcher.ts';
import { MAX_USER_AGENT, parseUserAgent } from '../../src/profile/user-agent.ts';

const WEBKIT = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';
const BLINK = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const AGENTS = {
  chromeWindows: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Chrome/142.0.0.0 Safari/537.36`,
  chromeLinux: `Mozilla/5.0 (X11; Linux x86_64) ${BLINK} Chrome/142.0.0.0 Safari/537.36`,
  headless: `Mozilla/5.0 (X11; Linux x86_64) ${BLINK} HeadlessChrome/142.0.0.0 Safari/537.36`,
  chromeAndroid: `Mozilla/5.0 (Linux; Android 10; K) ${BLINK} Chrome/142.0.0.0 Mobile Safari/537.36`,
  chromeIos: `Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) ${WEBKIT} CriOS/142.0 Mobile/15E148 Safari/604.1`,
  chromeOs: `Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) ${BLINK} Chrome/142.0.0.0 Safari/537.36`,
  edge: `Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${BLINK} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`,
  safariMac: `Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) ${WEBKIT} Version/18.4 Safari/605.1.15`,
  safariIos: `Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) ${WEBKIT} Version/18.4 Mobile/15E148 Safari/604.1`,
  epiphany: `Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} Version/18.0 Safari/605.1.15`,
  firefoxLinux: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  firefoxMac: 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0',
  firefoxIos: `Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) ${WEBKIT} FxiOS/140.0 Mobile/15E148 Safari/604.1`,
  googlebot: `Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) ${BLINK} Chrome/142.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)`,
  playstation: 'Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like Gecko)',
  curl: 'curl/8.5.0',
  requests: 'python-requests/2.31.0',
  go: 'Go-http-client/2.0',
  jsdom: `Mozilla/5.0 (linux) ${BLINK} jsdom/22.1.0`,
  unheard: 'something/1.0 (of its own)',
  app: 'SomeApp/3.1 (iPhone; iOS 18.4; Scale/3.00)',
  oddApp: 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) SomeApp/3.1',
} as const;
type Agent = keyof typeof AGENTS;

const stack = (family: string | null, fuzzy = false): StackMatch => ({
  ...{ os: family, family, fuzzy },
  generic: false,
  hops: 3,
  mtu: null,
  link: null,
});

const client = (
  name: string,
  library: string | null = null,
  level: MatchLevel = 'exact',
  ...candidates: string[]
): ClientMatch => ({
  ...{ name, library, level, kind: 'tool', versions: null },
  candidates: [name, ...candidates],
});

const system = (agent: Agent, seen: StackMatch | null): boolean | null =>
  judgeSystem(seen, parseUserAgent(AGENTS[agent])).mismatch;
const tool = (agent: Agent, seen: ClientMatch | null): boolean | null =>
  judgeTool(seen, parseUserAgent(AGENTS[agent])).mismatch;

const SYSTEMS: readonly (readonly [Agent, family: string, mismatch: boolean | null])[] = [
  ['chromeWindows', 'Windows', false],
  ['chromeWindows', 'Linux', true],
  ['chromeWindows', 'Darwin', true],
  ['chromeLinux', 'Linux', false],
  ['chromeLinux', 'Android', false],
  ['chromeLinux', 'Windows', true],
  ['chromeAndroid', 'Linux', false],
  ['chromeAndroid', 'Android', false],
  ['chromeAndroid', 'Windows', true],
  ['chromeOs', 'Linux', false],
  ['safariMac', 'Darwin', false],
  ['safariMac', 'Linux', true],
  ['safariIos', 'Darwin', false],
  ['firefoxMac', 'Windows', true],
  ['chromeWindows', 'FreeBSD', true],
  ['playstation', 'FreeBSD', null],
  ['curl', 'Linux', null],
  ['unheard', 'Windows', null],
  ['chromeWindows', 'tool', null],
];

for (const [agent, family, mismatch] of SYSTEMS) {
  test(`${agent} with a SYN of ${family}: os_mismatch is ${mismatch}`, () => {
    assert.equal(system(agent, stack(family)), mismatch);
  });
}

test('a SYN that is not known, or only resembles a system, contradicts nobody', () => {
  assert.equal(system('chromeWindows', null), null);
  assert.equal(system('chromeWindows', stack(null)), null);
  assert.equal(system('chromeWindows', stack('Linux', true)), null);
  assert.equal(system('chromeLinux', stack('Linux', true)), false);
});

const TOOLS: readonly (readonly [Agent, match: ClientMatch, mismatch: boolean | null])[] = [
  ['chromeWindows', client('Chromium', 'BoringSSL'), false],
  ['headless', client('Chromium', 'BoringSSL'), false],
  ['edge', client('Chromium', 'BoringSSL'), false],
  ['chromeAndroid', client('Chromium', 'BoringSSL'), false],
  ['chromeWindows', client('curl', 'OpenSSL'), true],
  ['chromeWindows', client('Bun', 'BoringSSL'), true],
  ['chromeWindows', client('Firefox', 'NSS'), true],
  ['firefoxLinux', client('Firefox', 'NSS'), false],
  ['firefoxLinux', client('Python', 'OpenSSL'), true],
  ['firefoxLinux', client('OpenSSL', 'OpenSSL', 'exact', 'Python', 'Perl'), true],
  ['safariMac', client('Safari', 'Apple'), false],
  ['safariMac', client('Node.js', 'OpenSSL'), true],
  ['safariIos', client('Chromium', 'BoringSSL'), true],
  ['chromeIos', client('Safari', 'Apple'), false],
  ['chromeIos', client('Chromium', 'BoringSSL'), false],
  ['firefoxIos', client('Safari', 'Apple'), false],
  ['firefoxIos', client('curl', 'OpenSSL'), true],
  ['epiphany', client('GnuTLS', 'GnuTLS'), null],
  ['googlebot', client('Go', 'Go'), null],
  ['playstation', client('OpenSSL', 'OpenSSL'), null],
  ['unheard', client('curl', 'OpenSSL'), null],
  ['jsdom', client('Node.js', 'OpenSSL'), null],
  ['app', client('curl', 'OpenSSL'), null],
  ['app', client('Go', 'Go'), null],
  ['oddApp', client('curl', 'OpenSSL'), null],
  ['curl', client('curl', 'GnuTLS'), false],
  ['curl', client('OpenSSL', 'OpenSSL'), null],
  ['curl', client('Chromium', 'BoringSSL'), true],
  ['requests', client('Python', 'OpenSSL'), false],
  ['requests', client('Go', 'Go'), true],
  ['go', client('Go', 'Go'), false],
  ['go', client('Node.js', 'OpenSSL'), true],
];

for (const [agent, match, mismatch] of TOOLS) {
  test(`${agent} with a ClientHello of ${match.name}: tool_mismatch is ${mismatch}`, () => {
    assert.equal(tool(agent, match), mismatch);
  });
}

test('a ClientHello that is not in the table, or only resembles a program, contradicts nobody', () => {
  assert.equal(tool('chromeWindows', null), null);
  assert.equal(tool('chromeWindows', client('curl', 'OpenSSL', 'suites')), null);
  assert.equal(tool('chromeWindows', client('curl', 'OpenSSL', 'extensions')), null);
  assert.equal(tool('chromeWindows', client('curl', 'OpenSSL', 'variant')), true);
  assert.equal(tool('chromeWindows', client('Chromium', 'BoringSSL', 'suites')), false);
});

test('without a User-Agent nothing is contradicted', () => {
  assert.equal(judgeSystem(stack('Linux'), null).mismatch, null);
  assert.equal(judgeTool(client('curl'), null).mismatch, null);
});

test('any text can be a User-Agent', () => {
  const piece = fc.oneof(
    fc.constantFrom(...Object.values(AGENTS), '(', ')', '/', ' ', ';', '\u0000'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const agent = parseUserAgent(pieces.join(''));
      for (const { mismatch } of [
        judgeTool(client('curl', 'OpenSSL'), agent),
        judgeSystem(stack('Linux'), agent),
      ])
        assert.ok(mismatch === null || typeof mismatch === 'boolean');
    }),
  );
});

test('a User-Agent is read as far as its bound, and the same text gives the same answer', () => {
  const padded = `${'x'.repeat(MAX_USER_AGENT)} ${AGENTS.chromeLinux}`;
  assert.equal(parseUserAgent(padded).browser, null);
  assert.equal(parseUserAgent(AGENTS.curl), parseUserAgent(AGENTS.curl));
  for (let i = 0; i < 2_000; i++) parseUserAgent(`curl/${i}`);
  assert.equal(parseUserAgent(AGENTS.chromeLinux).browser, 'Chrome');
});
