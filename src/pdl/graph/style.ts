/** Colours and type of the picture, for light and dark. */

export const STYLE = `
  svg { color-scheme: light dark;
    --page: #ffffff; --panel: #f6f7f9; --line: #d5dae1; --ink: #1d2530; --soft: #5d6978; --track: #e6e9ee;
    --good: #2f9e6e; --work: #d9920f; --away: #3f7fd1; --bad: #cf4a43; --on: #ffffff; }
  @media (prefers-color-scheme: dark) { svg {
    --page: #11151b; --panel: #1a2029; --line: #323b48; --ink: #e6eaf0; --soft: #97a3b3; --track: #29313d;
    --good: #3fb883; --work: #e6a93a; --away: #6aa3ea; --bad: #e56b63; --on: #11151b; } }
  text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--ink); }
  .title { font-size: 20px; font-weight: 650; } .head { font-size: 11px; font-weight: 650; letter-spacing: .06em; fill: var(--soft); }
  .soft { fill: var(--soft); } .small { font-size: 11px; fill: var(--soft); } .strong { font-weight: 650; }
  .on { fill: var(--on); font-weight: 650; } .on-small { fill: var(--on); font-size: 11px; }
  .page { fill: var(--page); } .panel { fill: var(--panel); stroke: var(--line); } .card { fill: var(--page); stroke: var(--line); }
  .track { fill: var(--track); } .good { fill: var(--good); } .work { fill: var(--work); } .away { fill: var(--away); } .bad { fill: var(--bad); }
  .link { fill: none; stroke: var(--line); stroke-width: 1.5; } .tick { stroke: var(--line); stroke-width: 1; fill: none; }
  .plus { fill: var(--work); } .minus { fill: var(--good); } .shade { opacity: .45; }
`;
