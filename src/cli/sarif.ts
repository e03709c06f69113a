/** Diagnostics as SARIF 2.1.0, the form in which code hosts show the findings of a check. */
import { pathToFileURL } from 'node:url';
import { CATALOGUE } from '../pdl/diagnostics/catalogue.ts';
import type { Diagnostic, Fix, Severity } from '../pdl/diagnostics/diagnostic.ts';
import type { Span } from '../pdl/ir.ts';
import { packageVersion } from './package.ts';
import { shownPath } from './policy-files.ts';

const LEVELS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'note' };

/** One log with one run. Files below the working directory are named relative to it. */
export function sarifLog(diagnostics: readonly Diagnostic[]): object {
  const codes = [...new Set(diagnostics.map(({ code }) => code))].sort();
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sallyport',
            version: packageVersion(),
            rules: codes.map((code) => rule(code, diagnostics)),
          },
        },
        originalUriBaseIds: { SRCROOT: { uri: `${pathToFileURL(process.cwd()).href}/` } },
        columnKind: 'utf16CodeUnits',
        results: diagnostics.map((diagnostic) => result(diagnostic, codes.indexOf(diagnostic.code))),
      },
    ],
  };
}

function rule(code: string, diagnostics: readonly Diagnostic[]): object {
  const entry = CATALOGUE.get(code);
  const severity = entry?.severity ?? diagnostics.find((each) => each.code === code)!.severity;
  const texts =
    entry === undefined
      ? {}
      : { shortDescription: { text: entry.title }, fullDescription: { text: entry.why } };
  return { id: code, ...texts, defaultConfiguration: { level: LEVELS[severity] } };
}

function result(diagnostic: Diagnostic, ruleIndex: number): object {
  const { code, severity, message, help, labels = [], notes = [], fixes = [] } = diagnostic;
  const text = [message, ...notes, ...(help === '' ? [] : [help])].join('\n');
  const related = labels.map((label, id) => ({
    id,
    ...location(label.span),
    ...(label.text === '' ? {} : { message: { text: label.text } }),
  }));
  // why: what is applied without a person's choice must keep what the author meant.
  const safe = fixes.filter(({ kind, edits }) => kind === 'safe' && edits.length > 0);
  return {
    ruleId: code,
    ruleIndex,
    level: LEVELS[severity],
    message: { text },
    locations: [location(diagnostic)],
    ...(related.length === 0 ? {} : { relatedLocations: related }),
    ...(safe.length === 0 ? {} : { fixes: safe.map(sarifFix) }),
  };
}

function location(span: Span): { physicalLocation: object } {
  return { physicalLocation: { artifactLocation: artifact(span.file), region: region(span) } };
}

/** `endColumn` is exclusive in SARIF too; a place without extent has none. */
function region({ line, column, endLine, endColumn }: Span): object {
  const isPoint = line === endLine && column === endColumn;
  const start = { startLine: line, startColumn: column };
  return isPoint ? start : { ...start, endLine, endColumn };
}

function artifact(file: string): object {
  const shown = shownPath(file);
  if (shown.startsWith('/')) return { uri: pathToFileURL(shown).href };
  return { uri: shown.split('/').map(encodeURIComponent).join('/'), uriBaseId: 'SRCROOT' };
}

function sarifFix({ title, edits }: Fix): object {
  const files = [...new Set(edits.map(({ span }) => span.file))];
  return {
    description: { text: title },
    artifactChanges: files.map((file) => ({
      artifactLocation: artifact(file),
      replacements: edits
        .filter(({ span }) => span.file === file)
        .map(({ span: { line, column, endLine, endColumn }, text }) => ({
          deletedRegion: { startLine: line, startColumn: column, endLine, endColumn },
          insertedContent: { text },
        })),
    })),
  };
}
