import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openBrowser, withoutChromium } from '../support/browser.ts';
import { startTestEdge } from '../support/edge.ts';
import { run } from '../support/tools.ts';

const skip = await withoutChromium();

for (const [version, flags] of [
  ['h2', []],
  ['http/1.1', ['--disable-http2']],
] as const) {
  test(`Chromium over ${version} solves the puzzle and gets what it asked for`, { skip }, async (t) => {
    const edge = await startTestEdge(t);
    const browser = await openBrowser(t, flags);
    const page = await browser.newPage();
    const posed = await page.goto(`https://puzzle.test:${edge.port}/wanted?page=1`);
    assert.equal(posed!.status(), 403);
    await page.getByText('"url":"/wanted?page=1"').waitFor();
    await browser.close();
    const audit = await edge.line((line) => line.sallyport.challenge?.outcome === 'solved');
    assert.equal(audit.tls.next_protocol, version);
    assert.equal(audit.rule.name, 'puzzled');
  });
}

test('a client that solved the puzzle is let through on its next connection', { skip }, async (t) => {
  const edge = await startTestEdge(t);
  const browser = await openBrowser(t);
  const first = await browser.newPage();
  await first.goto(`https://puzzle.test:${edge.port}/`);
  await first.getByText('"url":"/"').waitFor();
  const [cookie] = await browser.cookies(`https://puzzle.test:${edge.port}/`);
  // Another TLS client that shows the browser's cookie: its own JA4 has solved nothing.
  const { stdout } = await run('curl', [
    '--silent',
    '--insecure',
    '--resolve',
    `puzzle.test:${edge.port}:127.0.0.1`,
    '--cookie',
    `${cookie!.name}=${cookie!.value}`,
    '--output',
    '/dev/null',
    '--write-out',
    '%{http_code}',
    `https://puzzle.test:${edge.port}/again`,
  ]);
  assert.equal(stdout, '403');
  const second = await first.goto(`https://puzzle.test:${edge.port}/again`);
  assert.equal(second!.status(), 200);
});
