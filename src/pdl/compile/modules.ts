/** Files and what they declare: imports are loaded, names are entered, and looked up by kind. */

import { checkSecrets } from '../check/secrets.ts';
import { closest, suggest } from '../diagnostics/closest.ts';
import type { Details, Fix, Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
import type { Declaration, FileNode, Name } from '../syntax/ast.ts';
import { parse } from '../syntax/parse.ts';
import { STD } from './std.gen.ts';

export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Finds the file an import names; `from` is the path of the importing file. Null when there is none. */
export type Load = (path: string, from: string) => SourceFile | null;

type Kind = Declaration['kind'];
type Of<K extends Kind> = Extract<Declaration, { kind: K }>;

/** Kinds whose names live together: a set, a feed and a constant cannot share one. */
const SPACE: Readonly<Record<Kind, string>> = {
  let: 'value',
  set: 'value',
  feed: 'value',
  define: 'define',
  secret: 'secret',
  ca: 'ca',
  mode: 'mode',
  counter: 'counter',
  limit: 'limit',
  challenge: 'challenge',
  policy: 'policy',
  score: 'score',
  ladder: 'ladder',
  ruleset: 'ruleset',
  site: 'site',
  test: 'test',
  prove: 'prove',
};
const RESERVED = ['conn', 'hello', 'cert', 'time', 'sys', 'client', 'http'];
const MAX_FILES = 64;

export interface Module {
  readonly file: FileNode;
  /** What it is parsed from. */
  readonly text: string;
  /** How the entry file writes names of this one: `tls.` or nothing for itself. */
  readonly prefix: string;
  readonly isStd: boolean;
  /** Null marks an import that could not be loaded; its names are not reported again. */
  readonly imports: Map<string, Module | null>;
  readonly names: Map<string, Declaration>;
}

/** A declaration and the file it stands in, whose names its own text uses. */
export interface Found<D extends Declaration = Declaration> {
  readonly node: D;
  readonly module: Module;
}

/** Loads the entry and everything it imports, each file once. */
export function loadModules(entry: SourceFile, load: Load, report: Report): Module[] {
  const byPath = new Map<string, Module>();
  const open = new Set<string>();

  const enter = (source: SourceFile, prefix: string, isStd: boolean): Module => {
    const file = parse(source.path, source.text, report);
    const module: Module = {
      file,
      text: source.text,
      prefix,
      isStd,
      imports: new Map(),
      names: new Map(),
    };
    byPath.set(source.path, module);
    open.add(source.path);
    checkHeader(file, report);
    checkSecrets(file, report);
    for (const { path, alias } of file.imports) {
      if (RESERVED.includes(alias.text) || module.imports.has(alias.text)) {
        const message = RESERVED.includes(alias.text)
          ? `\`${alias.text}\` begins the names of facts and cannot name a file`
          : `\`${alias.text}\` already names another file`;
        report.error('PDL-N005', alias.span, message, 'choose another name after `as`');
        continue;
      }
      module.imports.set(alias.text, follow(path.text, path.span, source.path, `${prefix}${alias.text}.`));
    }
    open.delete(source.path);
    enterNames(module, report);
    return module;
  };

  const follow = (path: string, span: Span, from: string, prefix: string): Module | null => {
    const library = STD.get(path);
    const source = library === undefined ? loadUser(path, from) : { path, text: library };
    if (source === null) {
      const help = path.startsWith('std/')
        ? suggest(path, STD.keys(), `the library has ${[...STD.keys()].join(', ')}`)
        : 'write the path of a file, relative to this one';
      report.error('PDL-N003', span, `there is no file \`${path}\``, help);
      return null;
    }
    if (open.has(source.path)) {
      report.error(
        'PDL-N004',
        span,
        'this file imports itself, directly or through others',
        'move what both need into a third file',
      );
      return null;
    }
    const known = byPath.get(source.path);
    if (known) return known;
    if (byPath.size >= MAX_FILES) {
      report.error('PDL-N003', span, `a policy has at most ${MAX_FILES} files`, 'merge some of them');
      return null;
    }
    return enter(source, prefix, library !== undefined);
  };
  const loadUser = (path: string, from: string): SourceFile | null =>
    path.startsWith('std/') ? null : load(path, from);

  enter(entry, '', false);
  return [...byPath.values()];
}

/** The version of the language's engine that `requires engine` is compared with. */
const ENGINE_VERSION = '0.3';

function checkHeader(file: FileNode, report: Report): void {
  const { edition, requires } = file;
  if (edition !== null && edition.text !== '1') {
    const message = `this is written for edition ${edition.text} of the language, which this release does not know`;
    report.error('PDL-H010', edition.span, message, 'write `pdl 1`, or use a newer release');
  }
  if (requires !== null) {
    const order = compareVersions(ENGINE_VERSION, requires.version);
    if (order < 0 || (requires.operator === '==' && order !== 0)) {
      const wanted = `${requires.operator} ${requires.version}`;
      const message = `this file asks for engine ${wanted}, and this is engine ${ENGINE_VERSION}`;
      report.error(
        'PDL-H011',
        requires.span,
        message,
        `use a release whose engine is ${wanted}, or lower the demand`,
      );
    }
  }
  for (const { key } of file.meta) {
    if (key.text !== 'tz') continue;
    const help = 'remove it and write hours in UTC';
    report.error('PDL-X020', key.span, 'time zones are not supported: time facts are in UTC', help);
  }
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function enterNames(module: Module, report: Report): void {
  for (const node of module.file.declarations) {
    if (node.kind === 'test' || node.kind === 'prove') continue;
    const key = `${SPACE[node.kind]}/${node.name.text}`;
    const earlier = module.names.get(key);
    if (earlier) {
      const message = `\`${node.name.text}\` is declared twice`;
      const label = { span: earlier.name.span, text: 'declared here first' };
      report.error('PDL-N002', node.name.span, message, 'give one of them another name', { labels: [label] });
    } else module.names.set(key, node);
  }
}

/** The declaration of one of `kinds` that `name` means in `module`; reports and answers null otherwise. */
export function lookup<K extends Kind>(
  module: Module,
  kinds: readonly K[],
  name: Name,
  report: Report,
): Found<Of<K>> | null {
  const home = homeOf(module, name, report);
  if (home === null) return null;
  const own = name.text.slice(name.text.lastIndexOf('.') + 1);
  for (const kind of kinds) {
    const node = home.names.get(`${SPACE[kind]}/${own}`);
    if (node && (kinds as readonly Kind[]).includes(node.kind)) return { node: node as Of<K>, module: home };
  }
  if (home.file.brokenNames.has(own) || report.isFull) return null;
  const what = kinds
    .filter((kind) => kind !== 'let' || kinds.length === 1)
    .map((kind) => KIND_NAMES[kind] ?? kind)
    .join(' or ');
  const other = [...home.names.values()].find((node) => node.name.text === own);
  const candidates = [...home.names.values()].filter((node) =>
    (kinds as readonly Kind[]).includes(node.kind),
  );
  const alias = name.text.slice(0, name.text.length - own.length);
  const near = other
    ? null
    : closest(
        own,
        candidates.map((node) => node.name.text),
      );
  const help = other
    ? `\`${name.text}\` is a ${other.kind}, and a ${what} is needed here`
    : near === null
      ? 'declare it, or import the file that does'
      : `did you mean \`${alias}${near}\`?`;
  const meant = candidates.find((node) => node.name.text === near);
  report.error('PDL-N001', name.span, `there is no ${what} called \`${name.text}\``, help, {
    label: other ? '' : `not declared in ${alias === '' ? 'this file or its imports' : home.file.path}`,
    ...(meant ? almost(meant, name, alias, home !== module) : {}),
  });
  return null;
}

/** What a slip of the pen may have meant. */
function almost(meant: Declaration, name: Name, alias: string, isElsewhere: boolean): Details {
  const text = alias + meant.name.text;
  const type = meant.kind === 'set' || meant.kind === 'feed' ? ` of ${meant.type.text}` : '';
  const { file, line } = meant.name.span;
  const place = isElsewhere ? `${file}, line ${line}` : `line ${line}`;
  const note = `a ${KIND_NAMES[meant.kind] ?? meant.kind} with almost this name exists:  ${meant.kind} ${text}${type}   (${place})`;
  // why: a list under a name that nothing else has is meant; which policy is meant, a person says.
  const kind = type === '' ? 'maybe' : 'safe';
  const fix: Fix = { kind, title: `write \`${text}\``, edits: [{ span: name.span, text }] };
  return { notes: [note], fixes: [fix] };
}

const KIND_NAMES: Readonly<Partial<Record<Kind, string>>> = { let: 'constant', define: 'named condition' };

/** A lookup that may fail in silence. */
export function find<K extends Kind>(module: Module, kind: K, name: string): Found<Of<K>> | null {
  const dot = name.lastIndexOf('.');
  const home = dot === -1 ? module : (module.imports.get(name.slice(0, dot)) ?? null);
  const node = home?.names.get(`${SPACE[kind]}/${name.slice(dot + 1)}`);
  return home && node?.kind === kind ? { node: node as Of<K>, module: home } : null;
}

function homeOf(module: Module, name: Name, report: Report): Module | null {
  const dot = name.text.lastIndexOf('.');
  if (dot === -1) return module;
  const alias = name.text.slice(0, dot);
  const home = module.imports.get(alias);
  if (home === undefined) {
    const help = suggest(
      alias,
      module.imports.keys(),
      `import it first: import "…" as ${alias.split('.')[0]}`,
    );
    report.error('PDL-N001', name.span, `no imported file is called \`${alias}\` here`, help);
    return null;
  }
  return home;
}

/** A declaration's name as the entry file writes it. */
export function fullName(found: Found): string {
  return found.module.prefix + found.node.name.text;
}
