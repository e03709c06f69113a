/** The language server: answers an editor's requests (Language Server Protocol 3.17) about policies. */
import {
  CodeActionKind,
  type CodeLens,
  CodeLensRefreshRequest,
  CompletionItemKind,
  type Connection,
  DiagnosticSeverity,
  DiagnosticTag,
  type InitializeResult,
  type Diagnostic as LspDiagnostic,
  MarkupKind,
  MessageType,
  type Position,
  ResponseError,
  ShowMessageNotification,
  type ShowMessageParams,
  TextDocumentSyncKind,
  type TextEdit,
  type WorkspaceEdit,
} from 'vscode-languageserver';
import type { Diagnostic, Severity } from '../diagnostics/diagnostic.ts';
import type { TestResult } from '../testing/test-run.ts';
import { type Changes, formatEdits, positionOf, quickFixes, Refusal, renamable, rename } from './changes.ts';
import { type Completion, complete } from './completion.ts';
import { hover } from './hover.ts';
import { definitionAt, type Location, placesOf } from './symbols.ts';
import { type Analysis, type Host, rangeOf, Workspace } from './workspace.ts';

/** Executed with the URI of a policy and, to run one test only, its sentence. */
const RUN_TEST = 'sallyport.runTest';

const SOURCE = 'sallyport';
/** So long after the last key a text is looked at again, in milliseconds. */
const DEBOUNCE = 120;
const SEVERITIES: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
};
const ITEM_KINDS: Readonly<Record<Completion['kind'], CompletionItemKind>> = {
  keyword: CompletionItemKind.Keyword,
  name: CompletionItemKind.Variable,
  fact: CompletionItemKind.Field,
  value: CompletionItemKind.EnumMember,
  operator: CompletionItemKind.Operator,
};

/** Answers the requests that come over `connection`, until it closes. The caller makes it listen. */
export function serve(connection: Connection, host: Host, version: string): void {
  new Server(connection, host).register(version);
}

class Server {
  readonly #connection: Connection;
  readonly #workspace: Workspace;
  /** URIs by path, as the editor writes them. */
  readonly #uris = new Map<string, string>();
  /** How the tests of a file went when they were last run, by path and sentence; kept until its text changes. */
  readonly #results = new Map<string, ReadonlyMap<string, TestResult>>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The editor can be asked to ask for the lenses again. */
  #refreshesLenses = false;

  constructor(connection: Connection, host: Host) {
    this.#connection = connection;
    this.#workspace = new Workspace(host);
  }

  register(version: string): void {
    const connection = this.#connection;
    connection.onInitialize(({ capabilities: client }) => {
      this.#refreshesLenses = client.workspace?.codeLens?.refreshSupport === true;
      return capabilities(version);
    });
    connection.onDidOpenTextDocument(({ textDocument: { uri, text } }) => this.#change(uri, text));
    connection.onDidChangeTextDocument(({ textDocument: { uri }, contentChanges }) => {
      const last = contentChanges.at(-1);
      if (last) this.#change(uri, last.text);
    });
    connection.onDidCloseTextDocument(({ textDocument: { uri } }) => this.#close(uri));
    connection.onDidChangeWatchedFiles(() => {
      this.#workspace.forget();
      this.#schedule();
    });

    connection.onCompletion(({ textDocument, position }) =>
      this.#answer(textDocument.uri, [], (analysis) => this.#complete(analysis, position)),
    );
    connection.onHover(({ textDocument, position }) =>
      this.#answer(textDocument.uri, null, (analysis) => {
        const found = hover(analysis, position);
        return (
          found && { contents: { kind: MarkupKind.Markdown, value: found.markdown }, range: found.range }
        );
      }),
    );
    connection.onDefinition(({ textDocument, position }) =>
      this.#answer(textDocument.uri, null, (analysis) => {
        const found = definitionAt(analysis, position);
        return found && (this.#locations([found])[0] ?? null);
      }),
    );
    connection.onReferences(({ textDocument, position }) =>
      this.#answer(textDocument.uri, [], (analysis) =>
        this.#locations(placesOf(this.#workspace, analysis, position)),
      ),
    );
    connection.onPrepareRename(({ textDocument, position }) =>
      this.#answer(textDocument.uri, null, (analysis) => renamable(analysis, position)),
    );
    connection.onRenameRequest(({ textDocument, position, newName }) =>
      this.#answer(textDocument.uri, null, (analysis) =>
        this.#edit(rename(this.#workspace, analysis, position, newName)),
      ),
    );
    connection.onDocumentFormatting(({ textDocument }) => this.#answer(textDocument.uri, [], formatEdits));
    connection.onCodeAction(({ textDocument, range }) =>
      this.#answer(textDocument.uri, [], (analysis) =>
        quickFixes(analysis, range).map(({ title, diagnostic, isSafe, changes }) => ({
          title,
          kind: CodeActionKind.QuickFix,
          diagnostics: [toLsp(diagnostic)],
          isPreferred: isSafe,
          edit: this.#edit(changes),
        })),
      ),
    );
    connection.onCodeLens(({ textDocument }) =>
      this.#answer(textDocument.uri, [], (analysis) => this.#lenses(analysis, textDocument.uri)),
    );
    connection.onExecuteCommand(({ command, arguments: [uri, test] = [] }) => {
      if (command !== RUN_TEST || typeof uri !== 'string') return null;
      return this.#answer(uri, null, (analysis) =>
        this.#runTests(analysis, typeof test === 'string' ? test : null),
      );
    });
  }

  /** What `ask` says of an open policy, or `otherwise`; a refusal becomes an error that the editor shows. */
  #answer<T>(uri: string, otherwise: T, ask: (analysis: Analysis) => T): T | ResponseError<void> {
    const path = this.#workspace.host.pathOf(uri);
    const analysis = path === null ? null : this.#workspace.analyse(path);
    if (analysis === null) return otherwise;
    try {
      return ask(analysis);
    } catch (error) {
      if (error instanceof Refusal) return new ResponseError(-32803 /* RequestFailed */, error.message);
      throw error;
    }
  }

  #change(uri: string, text: string): void {
    const path = this.#workspace.host.pathOf(uri);
    if (path === null) return;
    this.#uris.set(path, uri);
    this.#workspace.set(path, text);
    this.#results.delete(path);
    this.#schedule();
  }

  #close(uri: string): void {
    const path = this.#workspace.host.pathOf(uri);
    if (path === null) return;
    this.#workspace.close(path);
    this.#uris.delete(path);
    this.#connection.sendDiagnostics({ uri, diagnostics: [] });
  }

  #schedule(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      for (const path of this.#workspace.open) this.#publish(path);
    }, DEBOUNCE);
  }

  /** Shows what is wrong with a file: what its compilation finds in it, and where its tests fail. */
  #publish(path: string): void {
    const analysis = this.#workspace.analyse(path);
    const uri = this.#uris.get(path);
    if (analysis === null || uri === undefined) return;
    const failed = [...(this.#results.get(path)?.values() ?? [])].flatMap((result) => result.diagnostics);
    const found = [...analysis.compiled.diagnostics, ...failed].filter(({ file }) => file === path);
    const diagnostics = found.map((diagnostic) => toLsp(diagnostic, (file) => this.#uri(file)));
    this.#connection.sendDiagnostics({ uri, diagnostics });
  }

  #complete(analysis: Analysis, position: Position) {
    const { from, to, items } = complete(this.#workspace, analysis, position);
    const range = { start: positionOf(analysis.text, from), end: positionOf(analysis.text, to) };
    return items.map(({ label, kind, detail }) => ({
      label,
      kind: ITEM_KINDS[kind],
      detail,
      textEdit: { range, newText: label },
    }));
  }

  #uri(path: string): string | null {
    return this.#uris.get(path) ?? this.#workspace.host.uriOf(path);
  }

  #locations(places: readonly Location[]) {
    return places.flatMap(({ path, range }) => {
      const uri = this.#uri(path);
      return uri === null ? [] : [{ uri, range }];
    });
  }

  #edit(changes: Changes): WorkspaceEdit {
    const byUri: Record<string, TextEdit[]> = {};
    for (const [path, edits] of changes) {
      const uri = this.#uri(path);
      if (uri !== null) byUri[uri] = [...edits];
    }
    return { changes: byUri };
  }

  /** Above each test: run it, and how it went. */
  #lenses({ path, modules }: Analysis, uri: string): CodeLens[] {
    const results = this.#results.get(path);
    return modules[0].file.declarations.flatMap((node) => {
      if (node.kind !== 'test') return [];
      const result = results?.get(node.name.text);
      const went = result === undefined ? '' : result.passed ? ' (passed)' : ' (failed)';
      const command = { title: `Run test${went}`, command: RUN_TEST, arguments: [uri, node.name.text] };
      return [{ range: rangeOf(node.name.span), command }];
    });
  }

  /** Runs the tests of a file, shows where they fail, and tells how they went. */
  #runTests(analysis: Analysis, only: string | null): readonly object[] {
    const { path, compiled } = analysis;
    if (compiled.program === null) throw new Refusal('the policy has errors: its tests cannot run');
    const results = this.#workspace.host
      .runTests(compiled)
      .filter(({ name }) => only === null || name === only);
    const known = new Map(this.#results.get(path));
    for (const result of results) known.set(result.name, result);
    this.#results.set(path, known);
    this.#publish(path);
    for (const result of results)
      this.#connection.sendNotification(ShowMessageNotification.type, told(result));
    if (this.#refreshesLenses) void this.#connection.sendRequest(CodeLensRefreshRequest.type);
    return results.map(({ name, passed, comparisons }) => ({
      name,
      passed,
      differences: comparisons
        .filter(({ holds }) => !holds)
        .map(({ expected, found }) => ({ expected, found })),
    }));
  }
}

/** How a test went, in a line for a person. */
function told({ name, passed, comparisons }: TestResult): ShowMessageParams {
  if (passed) return { type: MessageType.Info, message: `"${name}" passed` };
  const wrong = comparisons.filter(({ holds }) => !holds);
  const differences = wrong.map(({ expected, found }) => `expected ${expected}, found ${found}`);
  return { type: MessageType.Warning, message: `"${name}" failed: ${differences.join('; ')}` };
}

function capabilities(version: string): InitializeResult {
  return {
    serverInfo: { name: 'sallyport', version },
    capabilities: {
      textDocumentSync: TextDocumentSyncKind.Full,
      completionProvider: { triggerCharacters: ['.', '"', '@'] },
      hoverProvider: true,
      definitionProvider: true,
      referencesProvider: true,
      renameProvider: { prepareProvider: true },
      documentFormattingProvider: true,
      codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
      codeLensProvider: {},
      executeCommandProvider: { commands: [RUN_TEST] },
    },
  };
}

/** A finding as editors take it; `uriOf` names the files of its labels. */
function toLsp(
  { code, severity, message, help, labels = [], notes = [], ...place }: Diagnostic,
  uriOf: (path: string) => string | null = () => null,
): LspDiagnostic {
  const related = labels.flatMap(({ span, text }) => {
    const uri = uriOf(span.file);
    return uri === null
      ? []
      : [{ location: { uri, range: rangeOf(span) }, message: text === '' ? 'see here' : text }];
  });
  return {
    range: rangeOf(place),
    severity: SEVERITIES[severity],
    code,
    source: SOURCE,
    message: [message, ...notes, help].filter((part) => part !== '').join('\n'),
    ...(code === 'PDL-P001' ? { tags: [DiagnosticTag.Unnecessary] } : {}),
    ...(related.length > 0 ? { relatedInformation: related } : {}),
  };
}
