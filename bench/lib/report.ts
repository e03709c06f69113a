/** The recorded results as tables of docs/benchmarks.md, which holds one between two comments for each benchmark. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOCUMENT = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url));
const RESULTS = new URL('../results/', import.meta.url);
const BLOCK = /<!-- results: ([a-z-]+) -->\n[\s\S]*?<!-- end -->/g;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
type Row = ReadonlyMap<string, string>;

/** The document with every table as the results have it; `text` is the document as it stands. */
export function withResults(text: string): string {
  return text.replace(BLOCK, (_, name: string) => {
    const recorded = JSON.parse(readFileSync(new URL(`${name}.json`, RESULTS), 'utf8')) as Recorded;
    return `<!-- results: ${name} -->\n${render(recorded)}\n<!-- end -->`;
  });
}

/** Writes the tables anew. */
export function updateDocument(): void {
  writeFileSync(DOCUMENT, withResults(readFileSync(DOCUMENT, 'utf8')));
}

interface Recorded {
  readonly bench: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly kernel: string;
    readonly node: string;
    readonly load?: number;
  };
  readonly options: { readonly [key: string]: Json };
  readonly result: { readonly [key: string]: Json };
}

function render({ bench, machine, options, result }: Recorded): string {
  const flags = Object.entries(options).map(([flag, value]) => ` --${flag} ${value}`);
  const { cpu, cores, kernel, node, load } = machine;
  const busy = load === undefined ? '' : `, load ${load}`;
  const command = `\`npm run bench -- ${bench}${flags.join('')}\``;
  return [`${command} on ${cores} × ${cpu}, ${kernel}, Node ${node}${busy}:`, ...tablesOf(result)].join(
    '\n\n',
  );
}

/** One table of all single figures, and one for each list or group of alike things. */
function tablesOf(result: { readonly [key: string]: Json }): string[] {
  const single = new Map<string, string>();
  const tables: string[] = [];
  const groups = Object.values(result).every(isObject) ? { case: result } : result;
  for (const [key, value] of Object.entries<Json>(groups)) {
    if (isObject(value) && Object.values(value).every(isObject)) {
      const rows = Object.entries(value).map(([name, each]) => new Map([[key, name], ...flatten(each)]));
      tables.push(table(rows));
    } else if (Array.isArray(value) && value.every(isObject))
      tables.push(table(value.map((each) => new Map(flatten(each)))));
    else if (isObject(value)) for (const [name, text] of flatten(value)) single.set(`${key}: ${name}`, text);
    else if (!Array.isArray(value)) single.set(key, show(value));
  }
  const figures = [...single].map(
    ([figure, value]) =>
      new Map([
        ['figure', figure],
        ['value', value],
      ]),
  );
  return figures.length === 0 ? tables : [table(figures), ...tables];
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Single values of an object by their paths; lists are left out. */
function flatten(value: Json, path = ''): [string, string][] {
  if (Array.isArray(value)) return [];
  if (!isObject(value)) return [[path, show(value)]];
  return Object.entries(value).flatMap(([key, each]) => flatten(each, path === '' ? key : `${path} ${key}`));
}

/** Three significant digits, which is more than any machine repeats; whole numbers are counts. */
function show(value: Json): string {
  if (typeof value !== 'number') return String(value ?? '–');
  if (Number.isInteger(value)) return value.toLocaleString('en');
  return Number(value.toPrecision(3)).toLocaleString('en');
}

function table(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(columns),
    `|${'---|'.repeat(columns.length)}`,
    ...rows.map((row) => line(columns.map((column) => (row.get(column) ?? '').replaceAll('|', '\\|')))),
  ].join('\n');
}
