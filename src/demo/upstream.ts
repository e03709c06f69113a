/** The demo's upstream: a page that shows what the edge told it about the client. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface DemoUpstream {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on a loopback port that the system chooses. */
export async function startDemoUpstream(): Promise<DemoUpstream> {
  const server = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const wantsHtml = (request.headers.accept ?? '').includes('text/html');
  const body = wantsHtml ? htmlPage(request) : textPage(request);
  response.writeHead(200, {
    'Content-Type': `${wantsHtml ? 'text/html' : 'text/plain'}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(wantsHtml ? { 'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'" } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

/** Names and values as received: those of the edge first, each kind in its order. */
function headers(request: IncomingMessage): [name: string, value: string][] {
  const { rawHeaders } = request;
  const all = Array.from({ length: rawHeaders.length / 2 }, (_, n): [string, string] => [
    rawHeaders[2 * n]!,
    rawHeaders[2 * n + 1]!,
  ]);
  return all.sort(([a], [b]) => Number(isFromEdge(b)) - Number(isFromEdge(a)));
}

function isFromEdge(name: string): boolean {
  return /^x-(sallyport-|ja[34]-|forwarded-|request-id)/i.test(name);
}

function textPage(request: IncomingMessage): string {
  const lines = headers(request).map(([name, value]) => `${isFromEdge(name) ? '* ' : '  '}${name}: ${value}`);
  return `You are in. This is the upstream behind Sallyport.\n\n${request.method} ${request.url}\n${lines.join(
    '\n',
  )}\n\n* added by Sallyport. Scores run from 0 (good) to 100 (bad).\n`;
}

function htmlPage(request: IncomingMessage): string {
  const rows = headers(request).map(
    ([name, value]) =>
      `<tr${isFromEdge(name) ? ' class="edge"' : ''}><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Behind the edge</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 56rem; margin: 3rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
th, td { padding: .35rem .75rem; border-bottom: 1px solid #8884; text-align: left; vertical-align: top }
th { font-weight: 500; white-space: nowrap }
td { font-family: ui-monospace, monospace; overflow-wrap: anywhere }
.edge { background: #3a8f5c33 }
</style>
<h1>You are in</h1>
<p>This is the upstream behind Sallyport. It received <code>${escapeHtml(`${request.method} ${request.url}`)}</code>
with these headers; the marked ones say what the edge found out about you. Scores run from 0 (good) to 100 (bad).</p>
<table>
${rows.join('\n')}
</table>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
