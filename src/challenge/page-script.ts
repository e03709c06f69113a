/** The script of the challenge page: it spreads the search over workers and posts what they find. */
import { solve } from './solver.ts';

/** Numbers a worker tries between two reports of its progress. */
const BATCH = 20_000;

const WORKER = `${solve.toString()}
onmessage = ({ data: { token, difficulty, first, stride } }) => {
  for (let start = first; ; start += stride * ${BATCH}) {
    const nonce = solve(token, difficulty, start, stride, ${BATCH});
    postMessage(nonce);
    if (nonce !== null) return;
  }
};`;

/** Text for use inside of a script element. */
export const PAGE_SCRIPT: string = `
'use strict';
(() => {
  const { token, difficulty, submit, return: returnTo } = document.querySelector('main').dataset;
  const progress = document.getElementById('progress');
  const status = document.getElementById('status');
  const retry = document.getElementById('retry');
  const workers = [];
  let tried = 0;

  function stop() {
    for (const worker of workers) worker.terminate();
  }

  function fail(text) {
    stop();
    status.textContent = text;
    status.className = 'problem';
    progress.hidden = true;
    retry.hidden = false;
  }

  function leave() {
    const { pathname, search, hash } = location;
    if (hash && pathname + search === returnTo) location.reload();
    else location.replace(returnTo);
  }

  async function answer(nonce) {
    stop();
    progress.value = 100;
    status.textContent = 'Done. Opening the page\\u2026';
    try {
      const body = new URLSearchParams({ token, nonce, return: returnTo });
      const response = await fetch(submit, { method: 'POST', body, redirect: 'manual' });
      if (response.ok || response.type === 'opaqueredirect') leave();
      else fail('The answer was not accepted. It may have come too late, or your network changed.');
    } catch {
      fail('The answer could not be sent. Please check your connection.');
    }
  }

  function heard({ data: nonce }) {
    if (nonce !== null) return void answer(nonce);
    tried += ${BATCH};
    // The chance that a search of this length has found an answer.
    progress.value = 100 * (1 - Math.exp(-tried / 2 ** difficulty));
  }

  retry.addEventListener('click', leave);
  if (!navigator.cookieEnabled) {
    fail('This check needs cookies, which are blocked here. Please allow them for this site.');
    return;
  }
  status.textContent = 'Calculating\\u2026';
  try {
    const source = URL.createObjectURL(new Blob([${quote(WORKER)}], { type: 'text/javascript' }));
    const count = Math.max(1, Math.min(4, navigator.hardwareConcurrency || 2));
    for (let first = 0; first < count; first++) {
      const worker = new Worker(source);
      workers.push(worker);
      worker.onmessage = heard;
      worker.onerror = () => fail('The calculation could not be run in this browser.');
      worker.postMessage({ token, difficulty: Number(difficulty), first, stride: count });
    }
  } catch {
    fail('The calculation could not be run in this browser.');
  }
})();
`;

/** A JavaScript string literal that cannot end the script element it stands in. */
function quote(text: string): string {
  return JSON.stringify(text).replaceAll('<', '\\u003c');
}
