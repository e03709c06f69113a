/** The page that a browser gets instead of what it asked for, and that solves its challenge. */
import { PAGE_SCRIPT } from './page-script.ts';
import { PAGE_STYLE } from './page-style.ts';

export interface PageOptions {
  /** Allows this page's own script and style, and no others. */
  readonly cspNonce: string;
  readonly token: string;
  readonly difficulty: number;
  readonly submitPath: string;
  /** A path that `safeReturnPath` gave. */
  readonly returnTo: string;
}

/** The page as HTML; the browser needs JavaScript and cookies, and nothing from elsewhere. */
export function renderPage(options: PageOptions): string {
  const nonce = escapeHtml(options.cspNonce);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Checking your browser</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${PAGE_STYLE}</style>
</head>
<body>
<main data-token="${escapeHtml(options.token)}" data-difficulty="${options.difficulty}" data-submit="${escapeHtml(options.submitPath)}" data-return="${escapeHtml(options.returnTo)}">
<svg viewBox="0 0 48 48" aria-hidden="true"><path d="M6 42V20a18 18 0 0 1 36 0v22"/><path class="gate" d="M16 42V22m8 20V14m8 28V22M7 27h34"/></svg>
<h1>Checking your browser</h1>
<p>Before it opens, this site asks your browser for a short calculation. It slows automated traffic down. It takes a few seconds and you need not do anything.</p>
<progress id="progress" max="100" value="0" aria-label="Progress of the calculation"></progress>
<p id="status" role="status" aria-live="polite"></p>
<button id="retry" type="button" hidden>Try again</button>
<noscript><p class="problem">The calculation needs JavaScript, which is switched off here. Please switch it on for this site and load the page again.</p></noscript>
</main>
<script nonce="${nonce}">${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
