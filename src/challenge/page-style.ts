/** The style sheet of the challenge page. */
export const PAGE_STYLE: string = `
:root{--back:#f4f5f7;--card:#fff;--text:#1c2330;--soft:#586174;--line:#dde1e8;--accent:#2f5fd0;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--back:#11151c;--card:#1a202a;--text:#e8ebf1;--soft:#a3adbd;--line:#2c3442;--accent:#7fa6ff;--bad:#ffb4ab}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1.5rem;background:var(--back);color:var(--text);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:27rem;padding:2.25rem 2rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;box-shadow:0 1px 2px #0000000d,0 8px 24px #00000014}
svg{display:block;width:3rem;height:3rem;fill:none;stroke:var(--text);stroke-width:3;stroke-linecap:round;stroke-linejoin:round}
.gate{stroke:var(--accent);stroke-width:2.25}
h1{margin:1.1rem 0 .4rem;font-size:1.375rem;line-height:1.3;letter-spacing:-.01em}
p{margin:0;color:var(--soft)}
progress{display:block;width:100%;height:.5rem;margin:1.6rem 0 .7rem;border:0;border-radius:1rem;overflow:hidden;appearance:none;background:var(--line)}
progress::-webkit-progress-bar{background:var(--line)}
progress::-webkit-progress-value{background:var(--accent);border-radius:1rem;transition:inline-size .2s linear}
progress::-moz-progress-bar{background:var(--accent);border-radius:1rem}
progress[hidden]{display:none}
#status{min-height:1.55em;font-size:.9375rem}
#status.problem{margin-top:1.2rem}
.problem{color:var(--bad)}
button{margin-top:1rem;padding:.6rem 1.1rem;border:0;border-radius:.6rem;background:var(--accent);color:var(--card);font:inherit;font-weight:600;cursor:pointer}
button:focus-visible{outline:3px solid var(--text);outline-offset:2px}
button[hidden]{display:none}
noscript p{margin-top:1rem}
@media (prefers-reduced-motion:reduce){progress::-webkit-progress-value{transition:none}}
@media (scripting:none){progress,#status{display:none}}
`;
