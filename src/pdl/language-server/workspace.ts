/** The files that an editor has open, and what is known about each. */
import { type CompileResult, compile, type SourceFile } from '../compile/compile.ts';
import { loadModules, type Module } from '../compile/modules.ts';
import { Report } from '../diagnostics/diagnostic.ts';
import type { Span } from '../ir.ts';
import type { Token } from '../syntax/lexer.ts';
import { tokensOf } from '../syntax/tree.ts';
import type { TestResult } from '../testing/test-run.ts';

/** What the machine around the server does for it. */
export interface Host {
  /** Between an editor's names of files and those that policies are compiled by; null for what is no file. */
  pathOf(uri: string): string | null;
  /** Also for the files of the library, `std/…`; null when there is no such file to show. */
  uriOf(path: string): string | null;
  /** The text of a file that is not open; null when there is none. */
  read(path: string): string | null;
  /** The path that `relative` means in the file `from`. */
  resolve(from: string, relative: string): string;
  /** Runs the tests of a policy that compiled. */
  runTests(compiled: CompileResult): readonly TestResult[];
}

/** One file and all that it imports, compiled. */
export interface Analysis {
  readonly path: string;
  readonly text: string;
  /** The file itself first. */
  readonly modules: readonly [Module, ...Module[]];
  readonly compiled: CompileResult;
}

export interface Position {
  /** 0-based. */
  readonly line: number;
  /** 0-based, in UTF-16 units. */
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export class Workspace {
  readonly host: Host;
  readonly #texts = new Map<string, string>();
  readonly #analyses = new Map<string, Analysis>();

  constructor(host: Host) {
    this.host = host;
  }

  /** Paths of the open files. */
  get open(): readonly string[] {
    return [...this.#texts.keys()];
  }

  /** Opens a file, or gives it another text. */
  set(path: string, text: string): void {
    this.#texts.set(path, text);
    this.#analyses.clear();
  }

  close(path: string): void {
    this.#texts.delete(path);
    this.#analyses.clear();
  }

  /** A file on the disk may have changed. */
  forget(): void {
    this.#analyses.clear();
  }

  /** What is known about an open file. */
  analyse(path: string): Analysis | null {
    const known = this.#analyses.get(path);
    if (known) return known;
    const text = this.#texts.get(path);
    if (text === undefined) return null;
    const compiled = compile({ path, text }, this.#load, { infos: true });
    const analysis = { path, text, modules: this.modulesOf(path, text), compiled };
    this.#analyses.set(path, analysis);
    return analysis;
  }

  /** A file and all that it imports, if `text` were its text. */
  modulesOf(path: string, text: string): readonly [Module, ...Module[]] {
    return loadModules({ path, text }, this.#load, new Report()) as [Module, ...Module[]];
  }

  readonly #load = (relative: string, from: string): SourceFile | null => {
    const path = this.host.resolve(from, relative);
    const text = this.#texts.get(path) ?? this.host.read(path);
    return text === null ? null : { path, text };
  };
}

export function rangeOf({ line, column, endLine, endColumn }: Span): Range {
  return {
    start: { line: line - 1, character: column - 1 },
    end: { line: endLine - 1, character: endColumn - 1 },
  };
}

/** Both ends belong to the span: the place after a name's last letter is still that name's. */
export function holds(span: Span, { line, character }: Position): boolean {
  const [at, column] = [line + 1, character + 1];
  if (at < span.line || at > span.endLine) return false;
  return (at > span.line || column >= span.column) && (at < span.endLine || column <= span.endColumn);
}

/** The offset of a position in `text`; past the end of a line or text it is that end. */
export function offsetOf(text: string, { line, character }: Position): number {
  let start = 0;
  for (let i = 0; i < line; i++) {
    const next = text.indexOf('\n', start);
    if (next === -1) return text.length;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  return Math.min(start + character, end === -1 ? text.length : end);
}

/** The token of the file at `offset`; of two that touch there, the one that is a word. */
export function tokenAt({ file }: Module, offset: number): Token | null {
  const touching = [...tokensOf(file.tree)].filter(
    ({ kind, start, end }) => kind !== 'end' && start <= offset && offset <= end,
  );
  return touching.find(({ kind }) => kind === 'word') ?? touching.at(-1) ?? null;
}
