/** An editor's end of the Language Server Protocol: starts `sallyport lsp` and speaks to it over its streams. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath, pathToFileURL } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

// biome-ignore lint/suspicious/noExplicitAny: messages of many shapes, which the tests check
type Json = any;

export class LspClient {
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, (message: Json) => void>();
  readonly #notices: Json[] = [];
  #waiting: (() => void) | null = null;
  #buffer = Buffer.alloc(0);
  #id = 0;

  constructor(directory: string) {
    this.#child = spawn(process.execPath, [MAIN, 'lsp', '--stdio'], {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  async start(directory: string): Promise<Json> {
    const rootUri = pathToFileURL(directory).href;
    const result = await this.request('initialize', { processId: process.pid, rootUri, capabilities: {} });
    this.notify('initialized', {});
    return result;
  }

  /** Ends as the protocol says; resolves with the exit code. */
  async stop(): Promise<number | null> {
    await this.request('shutdown', null);
    const exited = once(this.#child, 'exit');
    this.notify('exit', null);
    const [code] = await exited;
    return code;
  }

  /** Closes the server's input without a word. */
  async hangUp(): Promise<number | null> {
    const exited = once(this.#child, 'exit');
    this.#child.stdin!.end();
    const [code] = await exited;
    return code;
  }

  /** Resolves with the result; rejects with the error's message. */
  async request(method: string, params: Json): Promise<Json> {
    const id = ++this.#id;
    const answered = new Promise<Json>((resolve) => this.#answers.set(id, resolve));
    this.#send({ id, method, params });
    const { result, error } = await answered;
    if (error) throw new Error(error.message);
    return result;
  }

  notify(method: string, params: Json): void {
    this.#send({ method, params });
  }

  /** The next notification of a method that `accept` takes; older ones are looked at first and dropped. */
  async notice(method: string, accept: (params: Json) => boolean = () => true): Promise<Json> {
    while (true) {
      for (let next = this.#notices.shift(); next !== undefined; next = this.#notices.shift()) {
        if (next.method === method && accept(next.params)) return next.params;
      }
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
  }

  open(uri: string, text: string): void {
    this.notify('textDocument/didOpen', { textDocument: { uri, languageId: 'pdl', version: 1, text } });
  }

  change(uri: string, text: string): void {
    const textDocument = { uri, version: 2 };
    this.notify('textDocument/didChange', { textDocument, contentChanges: [{ text }] });
  }

  /** The findings of a file, the next time they are told. */
  async diagnostics(uri: string): Promise<Json[]> {
    const { diagnostics } = await this.notice(
      'textDocument/publishDiagnostics',
      (params) => params.uri === uri,
    );
    return diagnostics;
  }

  #send(message: object): void {
    const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.#child.stdin!.write(`Content-Length: ${body.length}\r\n\r\n`);
    this.#child.stdin!.write(body);
  }

  #receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    while (true) {
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/Content-Length: (\d+)/.exec(this.#buffer.toString('latin1', 0, end))![1]);
      if (this.#buffer.length < end + 4 + length) return;
      const message = JSON.parse(this.#buffer.toString('utf8', end + 4, end + 4 + length));
      this.#buffer = this.#buffer.subarray(end + 4 + length);
      if (message.id !== undefined && message.method === undefined) {
        this.#answers.get(message.id)?.(message);
        this.#answers.delete(message.id);
      } else {
        this.#notices.push(message);
        this.#waiting?.();
      }
    }
  }
}
