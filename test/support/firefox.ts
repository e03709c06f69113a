/** Headless Firefox from the system, driven by WebDriver BiDi (https://www.w3.org/TR/webdriver-bidi/). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

const LISTENING = /WebDriver BiDi listening on (ws:\S+)/;
const READY_MS = 20_000;

type Command = (method: string, params: object) => Promise<Record<string, never>>;

/**
 * Opens a page and waits until it is loaded. Returns a function that evaluates an expression in it; a promise is
 * waited for, and the result must be a plain value.
 */
export async function openFirefox(t: TestContext, url: string): Promise<(code: string) => Promise<unknown>> {
  const command = await connect(t, await start(t));
  await command('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
  const { contexts } = (await command('browsingContext.getTree', {})) as unknown as {
    contexts: readonly { readonly context: string }[];
  };
  const { context } = contexts[0]!;
  await command('browsingContext.navigate', { context, url, wait: 'complete' });
  return async (expression) => {
    const answer = await command('script.evaluate', { expression, target: { context }, awaitPromise: true });
    const { type, result } = answer as unknown as { type: string; result: { value: unknown } };
    if (type !== 'success') throw new Error(`${expression} failed: ${JSON.stringify(answer)}`);
    return result.value;
  };
}

/** The address at which the browser takes commands. */
async function start(t: TestContext): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), 'sallyport-firefox-'));
  const args = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'];
  const browser = spawn('firefox-esr', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  t.after(async () => {
    const closed = once(browser, 'close');
    browser.kill('SIGTERM');
    await closed;
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  });
  for await (const line of createInterface({ input: browser.stderr })) {
    const address = LISTENING.exec(line)?.[1];
    if (address !== undefined) {
      browser.stderr.resume();
      return address;
    }
  }
  throw new Error('Firefox ended before it took commands');
}

async function connect(t: TestContext, address: string): Promise<Command> {
  const socket = new WebSocket(`${address}/session`);
  await once(socket, 'open', { signal: AbortSignal.timeout(READY_MS) });
  t.after(() => socket.close());
  const waiting = new Map<number, PromiseWithResolvers<Record<string, never>>>();
  let last = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result, error, message } = JSON.parse(String(data));
    if (error === undefined) waiting.get(id)?.resolve(result);
    else waiting.get(id)?.reject(new Error(`${error}: ${message}`));
    waiting.delete(id);
  });
  return (method, params) => {
    const answer = Promise.withResolvers<Record<string, never>>();
    waiting.set(++last, answer);
    socket.send(JSON.stringify({ id: last, method, params }));
    return answer.promise;
  };
}
