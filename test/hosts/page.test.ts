import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { captureHello } from '../support/hello.ts';
import { serveFolder } from '../support/static-server.ts';
import { VECTORS } from './vectors.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const skip = await withoutChromium();

/** The hello of a shared vector, in hex. */
function vector(name: string): string {
  const line = readFileSync(VECTORS, 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}\t`));
  return line!.split('\t')[5]!;
}

/** The page, with its first answer shown. */
async function openPage(t: TestContext): Promise<Page> {
  const origin = await serveFolder(t, ROOT);
  const page = await (await openBrowser(t)).newPage();
  page.on('pageerror', (error) => assert.fail(error));
  await page.goto(`${origin}/examples/embed/browser/index.html`);
  await page.waitForSelector('#action:not(:empty)');
  return page;
}

describe('the page of the embedding examples', { skip }, () => {
  it('shows the decision for a pasted hello, and what led to it', async (t) => {
    const page = await openPage(t);
    await page.fill('#syn', '');
    await page.fill('#ip', '198.51.100.9');
    await page.fill('#hello', vector('openssl-no-sni'));
    assert.equal(await page.textContent('#action'), 'refuse with access_denied');
    assert.equal(await page.textContent('#because'), 'Its score of 100 leads to policy “high”.');
    assert.match(String(await page.textContent('#facts')), /Server namenoneJA4t13i\d{6}_/);
    assert.match(String(await page.textContent('#signals')), /on blocklistreputation\+60/);
    assert.equal(await page.inputValue('#sample'), 'your own');
  });

  it('takes hex as tools print it, and a bare message', async (t) => {
    const page = await openPage(t);
    const hello = await captureHello({ servername: 'build.internal.example' });
    const dump = hello
      .toString('hex')
      .replace(/../g, '0x$&, ')
      .replace(/(.{60})/g, '$1\n');
    await page.fill('#ip', '2001:db8:c::1');
    for (const text of [dump, hello.subarray(5).toString('hex').replace(/../g, '$&:')]) {
      await page.fill('#hello', '');
      await page.fill('#hello', text);
      assert.equal(await page.textContent('#because'), 'Rule “quiet” (pin) decides for policy “medium”.');
    }
  });

  it('says what is wrong with what was pasted, and what a broken hello lacks', async (t) => {
    const page = await openPage(t);
    const cases = [
      ['#hello', '1603zz', 'ClientHello: “z” is not a hex digit'],
      ['#hello', '160', 'ClientHello: an odd number of hex digits'],
      ['#ip', '10.0.0.999', 'Address: neither IPv4 nor IPv6'],
    ] as const;
    for (const [field, text, problem] of cases) {
      const before = await page.inputValue(field);
      await page.fill(field, text);
      assert.equal(await page.textContent('#problem'), problem);
      await page.fill(field, before);
      assert.equal(await page.textContent('#problem'), '');
    }
    await page.fill('#hello', vector('cut-short'));
    assert.match(String(await page.textContent('#facts')), /^Hellonot complete: more bytes are needed/);
  });

  it('shows every shared vector', async (t) => {
    const page = await openPage(t);
    const names = await page.locator('#sample option').allTextContents();
    assert.ok(names.length > 30);
    for (const name of names) {
      await page.selectOption('#sample', { label: name });
      assert.equal(await page.textContent('#problem'), '', name);
    }
  });
});
