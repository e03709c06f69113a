/** Looks at the whole edge several times a second and switches the modes of its policy. */
import type { Logger } from 'pino';
import type { ModeControl } from '../admin/mode-control.ts';
import { clock } from '../orchestrator/clock.ts';
import { systemLoad } from '../orchestrator/load.ts';
import { type ModeReport, Modes } from '../orchestrator/modes.ts';
import type { Program } from '../pdl/ir.ts';

const INTERVAL_MS = 250;

export interface ModeDeskOptions {
  readonly log: Logger;
  /** Open connections of the process. */
  readonly inflight: () => number;
  /** Completed handshakes in events per second × 1e6. */
  readonly handshakes: (nowMs: number) => number;
}

export class ModeDesk implements ModeControl {
  readonly #options: ModeDeskOptions;
  readonly #modes = new Modes();
  readonly #timer: NodeJS.Timeout;

  constructor(options: ModeDeskOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#update(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** Takes over the modes of a program that is put in force; see `Modes.load`. */
  load(program: Program): SharedArrayBuffer {
    return this.#modes.load(program, Date.now());
  }

  #update(): void {
    const nowMs = Date.now();
    const { inflight, handshakes, log } = this.#options;
    const facts = {
      inflight: inflight(),
      handshakes: handshakes(nowMs),
      load: systemLoad(nowMs),
      ...clock(nowMs),
      nowMs,
    };
    for (const { name, state } of this.#modes.update(facts)) log.warn({ mode: name, state }, 'mode switched');
  }

  list(): readonly ModeReport[] {
    return this.#modes.list();
  }

  force(name: string, state: string | null): ModeReport | null {
    const now = this.#modes.force(name, state, Date.now());
    if (now !== null)
      this.#options.log.warn({ mode: name, state: now.state, forced: now.forced }, 'mode set by hand');
    return now;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
