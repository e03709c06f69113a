/** A configuration file with the place of every key and value in it. */
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';

/** Keys and indexes from the root of the document. */
export type Path = readonly (string | number)[];

/** A range of the source: 1-based, the end exclusive. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface ConfigDocument {
  readonly file: string;
  /** The plain value, overrides included; null when the file is not YAML. */
  readonly value: unknown;
  /** Where the value at `path` stands, or its nearest parent that is in the file. */
  valueAt(path: Path): Place;
  /** Where the key that `path` ends in stands. */
  keyAt(path: Path): Place;
}

/** A value from a flag or the environment that replaces the file's. */
export interface Override {
  readonly path: readonly string[];
  readonly value: string | number;
  /** Where a person finds it, such as `SALLYPORT_THREADS` or `--threads`. */
  readonly origin: string;
}

/** Parses `text`, puts the overrides in and collects syntax errors into `problems`. */
export function parseConfigDocument(
  file: string,
  text: string,
  overrides: readonly Override[],
  problems: Diagnostic[],
): ConfigDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });

  const place = (start: number, end: number): Place => {
    const from = lines.linePos(start);
    // why: a block's range reaches to the start of whatever follows it; a diagnostic underlines one line.
    const to = lines.linePos(Math.max(start, end));
    const sameLine = to.line === from.line && to.col > from.col;
    return {
      file,
      line: Math.max(1, from.line),
      column: Math.max(1, from.col),
      endLine: Math.max(1, from.line),
      endColumn: Math.max(1, sameLine ? to.col : from.col + 1),
    };
  };
  const ofNode = (node: Node | null | undefined): Place => {
    const range = node?.range;
    return range ? place(range[0], range[1]) : place(0, 0);
  };

  for (const error of [...document.errors, ...document.warnings]) {
    problems.push({
      code: 'CFG-Y001',
      severity: 'error',
      message: error.message.replace(/\s+/g, ' '),
      ...place(error.pos[0], error.pos[1]),
      help: 'the file must be one YAML document',
    });
  }

  let value: unknown = null;
  if (problems.length === 0) {
    try {
      value = document.toJS() ?? {};
    } catch (error) {
      problems.push({
        code: 'CFG-Y001',
        severity: 'error',
        message: (error as Error).message,
        ...place(0, 0),
        help: 'the file uses YAML aliases excessively: write the values out',
      });
    }
  }
  for (const override of overrides) put(value, override.path, override.value);

  const walk = (path: Path): { node: Node | null; pair: Pair | null } => {
    let node = document.contents as Node | null;
    let pair: Pair | null = null;
    for (const step of path) {
      pair = null;
      if (isMap(node)) {
        pair =
          node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step)) ?? null;
        if (!pair) break;
        // why: a key without a value has no node of its own; its key stands in.
        node = ((pair.value as Node | null) ?? pair.key) as Node | null;
      } else if (isSeq(node)) {
        const item = node.items[Number(step)] as Node | undefined;
        if (!item) break;
        node = item;
      } else break;
    }
    return { node, pair };
  };
  const overridden = (path: Path): Place | null => {
    const origin = overrides.find(({ path: at }) => at.every((step, index) => path[index] === step))?.origin;
    return origin === undefined ? null : { file: origin, line: 1, column: 1, endLine: 1, endColumn: 2 };
  };

  return {
    file,
    value,
    valueAt: (path) => overridden(path) ?? ofNode(walk(path).node),
    keyAt: (path) => {
      const { node, pair } = walk(path);
      return overridden(path) ?? ofNode((pair?.key as Node | null | undefined) ?? node);
    },
  };
}

/** Sets a nested value; a parent that is not an object is left for the schema to report, unless it is absent or `true`. */
function put(root: unknown, path: readonly string[], value: string | number): void {
  let at = root;
  for (const [index, key] of path.entries()) {
    if (typeof at !== 'object' || at === null) return;
    const object = at as Record<string, unknown>;
    if (index === path.length - 1) {
      object[key] = value;
      return;
    }
    if (object[key] === undefined || typeof object[key] === 'boolean') object[key] = {};
    at = object[key];
  }
}
