/** Names in the text: which thing stands at a place, where it is declared, and where else it is named. */
import type { Module } from '../compile/modules.ts';
import type { Name } from '../syntax/ast.ts';
import { type Definition, definitionsOf, ownName, resolve } from './definitions.ts';
import { referencesOf } from './references.ts';
import { type Analysis, holds, type Position, type Range, rangeOf, type Workspace } from './workspace.ts';

export interface Found {
  /** The name at the place, which may begin with the alias of an import. */
  readonly name: Name;
  readonly definition: Definition;
  /** Where the definition stands. */
  readonly module: Module;
}

export interface Location {
  readonly path: string;
  readonly range: Range;
}

/** The thing named at a position, by its declaration or by a use. */
export function symbolAt(module: Module, position: Position): Found | null {
  for (const definition of definitionsOf(module)) {
    const { name } = definition;
    if (holds(name.span, position)) return { name, definition, module };
  }
  for (const reference of referencesOf(module.file)) {
    if (!holds(reference.name.span, position)) continue;
    const definition = resolve(module, reference);
    const home = definition && homeOf(module, definition);
    if (definition && home) return { name: reference.name, definition, module: home };
  }
  return null;
}

function homeOf(module: Module, definition: Definition): Module | null {
  if (definitionsOf(module).includes(definition)) return module;
  for (const imported of module.imports.values()) {
    const found = imported && homeOf(imported, definition);
    if (found) return found;
  }
  return null;
}

/** Where the thing at a position is declared; for an import, the file. */
export function definitionAt({ modules }: Analysis, position: Position): Location | null {
  const [module] = modules;
  const found = symbolAt(module, position);
  if (found) return { path: found.module.file.path, range: rangeOf(found.definition.name.span) };
  const start = { line: 0, character: 0 };
  for (const { path, alias } of module.file.imports) {
    if (!holds(path.span, position) && !holds(alias.span, position)) continue;
    const imported = module.imports.get(alias.text);
    if (imported) return { path: imported.file.path, range: { start, end: start } };
  }
  return null;
}

/**
 * Every place that names what stands at `position`, its declaration first: in this file, in the files it imports,
 * and in the files that the editor has open.
 */
export function placesOf(workspace: Workspace, { path, modules }: Analysis, position: Position): Location[] {
  const found = symbolAt(modules[0], position);
  if (found === null) return [];
  const { definition } = found;
  const places = new Map<string, Location>();
  const add = ({ text, span }: Name): void => {
    const range = rangeOf({ ...span, column: span.endColumn - ownName(text).length });
    places.set(`${span.file}:${range.start.line}:${range.start.character}`, { path: span.file, range });
  };
  add(definition.name);
  const others = workspace.open.filter((open) => open !== path).map((open) => workspace.analyse(open));
  for (const module of [{ modules }, ...others].flatMap((analysis) => analysis?.modules ?? [])) {
    for (const reference of referencesOf(module.file)) {
      if (ownName(reference.name.text) !== definition.name.text) continue;
      if (isSame(resolve(module, reference), definition)) add(reference.name);
    }
  }
  return [...places.values()];
}

/** Whether two definitions, perhaps of different readings of a file, are one. */
function isSame(a: Definition | null, b: Definition): boolean {
  if (a === null || a.kind !== b.kind) return false;
  const [left, right] = [a.name.span, b.name.span];
  return left.file === right.file && left.line === right.line && left.column === right.column;
}
