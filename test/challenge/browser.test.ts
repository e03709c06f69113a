import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { ProofOfWork, SUBMIT_PATH } from '../../src/challenge/pow.ts';
import { makeCertificate } from '../support/certificate.ts';

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
];
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((folder) => NAMES.map((name) => join(folder, name)))
  .find((file) => existsSync(file));

const BINDING = 'a client';
const pow = new ProofOfWork({
  secret: Buffer.alloc(32, 1),
  name: 'js',
  solveWithinMs: 60_000,
  clearsForMs: 60_000,
});

describe('the challenge page in Chromium', { skip: executablePath ? false : 'no chromium on PATH' }, () => {
  let server: Server;
  let browser: Browser;
  let origin: string;
  /** What the server asks for, and what reached it. */
  let difficulty = 0;
  let posts: string[] = [];

  before(async () => {
    const { certificate, key } = await makeCertificate({ names: ['localhost'] });
    server = createServer({ cert: certificate, key }, (request, response) => {
      const nowMs = Date.now();
      if (request.url === SUBMIT_PATH) {
        let body = '';
        request.setEncoding('utf8').on('data', (chunk) => {
          body += chunk;
        });
        request.on('end', () => {
          const result = pow.handleSubmit(body, BINDING, nowMs);
          posts.push(result.ok ? 'ok' : result.code);
          if (result.ok)
            response.writeHead(303, { 'set-cookie': result.cookie, location: result.returnTo }).end();
          else response.writeHead(400).end();
        });
      } else if (pow.checkCookie(request.headers.cookie, BINDING, nowMs)) {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(`<title>Inside</title><p id=inside>${request.method} ${request.url}`);
      } else {
        const page = pow.page({ difficulty, binding: BINDING, nowMs, returnTo: request.url! });
        response.writeHead(page.status, page.headers).end(page.body);
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `https://localhost:${(server.address() as AddressInfo).port}`;
    browser = await chromium.launch({ executablePath: executablePath!, args: ARGS, headless: true });
  });

  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  /** Opens a page; what its console said is checked when it is closed. */
  async function open(options: BrowserContextOptions, use: (page: Page) => Promise<void>): Promise<void> {
    posts = [];
    const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      if (/Content Security Policy/i.test(message.text())) complaints.push(message.text());
    });
    try {
      await use(page);
      assert.deepEqual(complaints, []);
    } finally {
      await context.close();
    }
  }

  test('it solves 16 bits and opens the page that was asked for', async () => {
    difficulty = 16;
    await open({}, async (page) => {
      const response = await page.goto(`${origin}/inside?a=b`);
      assert.equal(response!.status(), 403);
      await page.waitForSelector('#inside');
      assert.equal(await page.textContent('#inside'), 'GET /inside?a=b');
      assert.deepEqual(posts, ['ok']);
    });
  });

  test('it keeps the fragment of the address', async () => {
    difficulty = 4;
    await open({}, async (page) => {
      await page.goto(`${origin}/app#/inbox`);
      await page.waitForSelector('#inside');
      assert.equal(page.url(), `${origin}/app#/inbox`);
    });
  });

  test('it says so when the answer is refused', async () => {
    difficulty = 4;
    await open({}, async (page) => {
      await page.route(`**${SUBMIT_PATH}`, (route) => route.fulfill({ status: 400, body: '' }));
      await page.goto(origin);
      await page.waitForSelector('#retry:not([hidden])');
      assert.match((await page.textContent('#status'))!, /not accepted/);
    });
  });

  test('it asks for JavaScript when there is none', async () => {
    await open({ javaScriptEnabled: false }, async (page) => {
      await page.goto(origin);
      assert.match((await page.textContent('noscript'))!, /needs JavaScript/);
    });
  });
});
