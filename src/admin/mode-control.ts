/** What the admin API may ask of the edge about modes. */
import type { ModeReport } from '../orchestrator/modes.ts';

export interface ModeControl {
  list(): readonly ModeReport[];
  /** Holds a mode in a state; with null it follows its conditions again. Null: there is no such mode or state. */
  force(name: string, state: string | null): ModeReport | null;
}
