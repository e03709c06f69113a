/** Patterns as deterministic automata over bytes: one step a byte, whatever the pattern. */
import { type ByteSet, PatternError, type PatternKind, type PatternNode, readPattern } from './syntax.ts';

export interface Automaton {
  /** By byte: its class; bytes of one class always lead to the same state. */
  readonly classes: Uint8Array;
  readonly classCount: number;
  /** By state and class: the next state. */
  readonly next: Uint16Array;
  readonly start: number;
  /** States from here on have matched, if the text ends in them. */
  readonly firstAccepting: number;
  readonly stateCount: number;
}

const MAX_NODES = 4_096;
const MAX_STATES = 2_048;
/** Nodes looked at, over all states and classes of bytes: what bounds the time a pattern takes. */
const MAX_WORK = 2_000_000;
const BYTES = 256;
const TOO_LARGE = 'make it simpler, or use several conditions';

/** @throws PatternError for a pattern that cannot be read, or that takes too many states. */
export function compileAutomaton(kind: PatternKind, pattern: string): Automaton {
  return determine(new Graph(readPattern(kind, pattern)));
}

/** A state of the automaton that may be in many at once (Thompson). */
interface GraphNode {
  /** Where it leads without a byte: always, or only at the start or the end of the text. */
  readonly always: number[];
  readonly atStart: number[];
  readonly atEnd: number[];
  set: ByteSet;
  to: number;
}

class Graph {
  readonly nodes: GraphNode[] = [];
  readonly start: number;
  readonly end: number;

  constructor(pattern: PatternNode) {
    const all = (1n << BigInt(BYTES)) - 1n;
    // A match may begin and end anywhere unless the pattern says where.
    const before = this.#node();
    const after = this.#node();
    this.nodes[before]!.set = all;
    this.nodes[before]!.to = before;
    this.nodes[after]!.set = all;
    this.nodes[after]!.to = after;
    this.start = before;
    this.end = after;
    this.#add(pattern, before, after);
  }

  #node(): number {
    if (this.nodes.length === MAX_NODES) throw new PatternError('this pattern is too large', TOO_LARGE);
    return this.nodes.push({ always: [], atStart: [], atEnd: [], set: 0n, to: 0 }) - 1;
  }

  /** Adds what leads from one node to another by a part of the pattern. */
  #add(part: PatternNode, from: number, to: number): void {
    if (part.kind === 'start') this.nodes[from]!.atStart.push(to);
    else if (part.kind === 'end') this.nodes[from]!.atEnd.push(to);
    else if (part.kind === 'choice') for (const each of part.parts) this.#add(each, from, to);
    else if (part.kind === 'sequence') this.#addAll(part.parts, from, to);
    else if (part.kind === 'repeat') this.#repeat(part, from, to);
    else {
      const step = this.#node();
      this.nodes[from]!.always.push(step);
      this.nodes[step]!.set = part.set;
      this.nodes[step]!.to = to;
    }
  }

  #addAll(parts: readonly PatternNode[], from: number, to: number): void {
    let at = from;
    for (const part of parts) {
      const next = this.#node();
      this.#add(part, at, next);
      at = next;
    }
    this.nodes[at]!.always.push(to);
  }

  #repeat({ part, min, max }: Extract<PatternNode, { kind: 'repeat' }>, from: number, to: number): void {
    this.#addAll(
      new Array<PatternNode>(min).fill(part),
      from,
      this.#landing(to, part, max === null ? null : max - min),
    );
  }

  /** A node from which `part` may be taken up to `times` times (null: any number) before `to`. */
  #landing(to: number, part: PatternNode, times: number | null): number {
    const first = this.#node();
    this.nodes[first]!.always.push(to);
    if (times === null) {
      const again = this.#node();
      this.#add(part, first, again);
      this.nodes[again]!.always.push(first);
      return first;
    }
    let at = first;
    for (let i = 0; i < times; i++) {
      const next = this.#node();
      this.#add(part, at, next);
      this.nodes[next]!.always.push(to);
      at = next;
    }
    return first;
  }

  /** All nodes that `from` leads to without a byte, ascending. */
  closure(from: Iterable<number>, edge: 'atStart' | 'atEnd' | null): number[] {
    const seen = new Set<number>(from);
    const open = [...seen];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      const { always } = this.nodes[node]!;
      const more = edge === null ? always : [...always, ...this.nodes[node]![edge]];
      for (const each of more) {
        if (seen.has(each)) continue;
        seen.add(each);
        open.push(each);
      }
    }
    return [...seen].sort((a, b) => a - b);
  }
}

/** Subset construction. */
function determine(graph: Graph): Automaton {
  const indexes = new Map<string, number>();
  const states: { readonly nodes: readonly number[]; readonly next: Uint16Array }[] = [];
  const stateOf = (nodes: readonly number[]): number => {
    // Once it has matched wherever the text ends, nothing else counts.
    const kept = nodes.includes(graph.end) ? [graph.end] : nodes;
    const key = kept.join();
    const known = indexes.get(key);
    if (known !== undefined) return known;
    if (states.length === MAX_STATES) throw new PatternError('this pattern takes too many states', TOO_LARGE);
    indexes.set(key, states.length);
    return states.push({ nodes: kept, next: new Uint16Array(BYTES) }) - 1;
  };
  // The start is never come back to: an empty text, which starts and ends at once, is told by it alone.
  const start =
    states.push({ nodes: graph.closure([graph.start], 'atStart'), next: new Uint16Array(BYTES) }) - 1;
  const matchesEmpty = acceptsEmpty(graph);
  const classes = byteClasses(graph);
  let work = 0;
  for (let i = 0; i < states.length; i++) {
    const { nodes, next } = states[i]!;
    work += nodes.length * classes.length;
    if (work > MAX_WORK) throw new PatternError('this pattern takes too many states', TOO_LARGE);
    for (const members of classes) {
      const bit = 1n << BigInt(members[0]!);
      const to = nodes.filter((node) => (graph.nodes[node]!.set & bit) !== 0n);
      const target = stateOf(graph.closure(new Set(to.map((node) => graph.nodes[node]!.to)), null));
      for (const byte of members) next[byte] = target;
    }
  }
  const accepting = states.map(({ nodes }, index) =>
    index === start ? matchesEmpty : graph.closure(nodes, 'atEnd').includes(graph.end),
  );
  return arrange(
    states.map(({ next }) => next),
    accepting,
    start,
  );
}

/** Bytes that no set of the pattern tells from each other. */
function byteClasses(graph: Graph): number[][] {
  const sets = [...new Set(graph.nodes.map(({ set }) => set))];
  const classes = new Map<string, number[]>();
  for (let byte = 0; byte < BYTES; byte++) {
    const key = sets.map((set) => (set >> BigInt(byte)) & 1n).join('');
    const members = classes.get(key);
    if (members === undefined) classes.set(key, [byte]);
    else members.push(byte);
  }
  return [...classes.values()];
}

function acceptsEmpty(graph: Graph): boolean {
  const nodes = graph.closure([graph.start], 'atStart');
  let last = nodes;
  // At once at the start and at the end: both kinds of edges, in any order.
  for (;;) {
    const more = graph.closure(graph.closure(last, 'atEnd'), 'atStart');
    if (more.length === last.length) return more.includes(graph.end);
    last = more;
  }
}

/** Puts accepting states last, and bytes that lead the same way into one class. */
function arrange(rows: readonly Uint16Array[], accepting: readonly boolean[], start: number): Automaton {
  const order = rows
    .map((_, state) => state)
    .sort((a, b) => Number(accepting[a]) - Number(accepting[b]) || a - b);
  const places = new Uint16Array(rows.length);
  order.forEach((state, place) => {
    places[state] = place;
  });
  const classes = new Uint8Array(BYTES);
  const columns = new Map<string, number>();
  const firsts: number[] = [];
  for (let byte = 0; byte < BYTES; byte++) {
    const column = rows.map((row) => row[byte]).join();
    let index = columns.get(column);
    if (index === undefined) {
      index = firsts.push(byte) - 1;
      columns.set(column, index);
    }
    classes[byte] = index;
  }
  const next = Uint16Array.from(order.flatMap((state) => firsts.map((byte) => places[rows[state]![byte]!]!)));
  return {
    classes,
    classCount: firsts.length,
    next,
    start: places[start]!,
    firstAccepting: accepting.filter((each) => !each).length,
    stateCount: rows.length,
  };
}
