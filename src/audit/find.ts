/** Finds one connection's line in an audit log. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { factsOf, type RecordedFacts } from './profile.ts';

/** What is read of a line to explain its decision; everything else is left alone. */
export interface RecordedDecision {
  readonly id: string;
  readonly time: string;
  /** All that the line tells of the client. */
  readonly facts: RecordedFacts;
  readonly outcome: string;
  readonly site: string | null;
  readonly policy: string | null;
  readonly imageId: string | null;
  readonly action: string | null;
  readonly alert: string | null;
  readonly tier: string | null;
  readonly score: number | null;
  readonly parts: readonly {
    readonly name: string;
    readonly group: string | null;
    readonly points: number;
  }[];
  readonly matched: readonly string[];
  readonly wouldMatch: readonly string[];
  readonly challenge: string | null;
}

/** An id may be cut off after this many characters, as long as one line alone begins so. */
const MIN_ID_LENGTH = 8;

/**
 * The decision with that id, or why there is none.
 * @throws the system's error when the file cannot be read.
 */
export async function findDecision(file: string, id: string): Promise<RecordedDecision | string> {
  if (id.length < MIN_ID_LENGTH) return `an id has at least ${MIN_ID_LENGTH} characters`;
  const lines = createInterface({ input: createReadStream(file, 'utf8') });
  let found: RecordedDecision | null = null;
  for await (const line of lines) {
    if (!line.includes(id)) continue;
    const decision = readDecision(line);
    if (decision === null || !decision.id.startsWith(id)) continue;
    if (decision.id === id) return decision;
    if (found !== null) return `several ids begin with ${id}`;
    found = decision;
  }
  return found ?? `no line has the id ${id}`;
}

/** Null for a line that is no record of ours. */
function readDecision(line: string): RecordedDecision | null {
  try {
    const entry = JSON.parse(line);
    const { event, rule, risk, sallyport } = entry;
    return {
      id: String(event.id),
      time: String(entry['@timestamp']),
      facts: factsOf(entry),
      outcome: String(event.outcome === 'success' ? 'served' : event.action),
      site: rule.ruleset,
      policy: rule.name,
      imageId: rule.version,
      action: sallyport.action,
      alert: sallyport.alert,
      tier: sallyport.tier,
      score: risk.calculated_score,
      parts: sallyport.parts,
      matched: sallyport.matched,
      wouldMatch: sallyport.would_match ?? [],
      challenge: sallyport.challenge?.name ?? null,
    };
  } catch {
    return null;
  }
}
