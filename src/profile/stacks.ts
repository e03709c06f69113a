/** Reads a database of TCP/IP stacks in the format of p0f 3's `p0f.fp`: its sections `[mtu]` and `[tcp:request]`. */
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, fileProblem } from '../pdl/diagnostics/diagnostic.ts';
import { parseSignature, type Signature } from './signature.ts';

/** The database that comes with the package. */
export const OWN_STACKS: string = fileURLToPath(new URL('../../profiles/stacks.fp', import.meta.url));

/** A larger database is refused unread. */
export const MAX_STACKS_BYTES: number = 4 * 1024 * 1024;
const MAX_LABEL = 64;

export interface Label {
  /** `Linux`, `Windows`; of a tool its name. */
  readonly name: string;
  /** Version or variant; may be empty. */
  readonly flavor: string;
  /** One of a whole family: what is more precise goes first. */
  readonly generic: boolean;
  /** Not an operating system but a program that makes packets itself, such as a scanner. */
  readonly tool: boolean;
}

/** Plain data, so that it can cross a thread. */
export interface Stacks {
  /** In the order of the file, which decides. */
  readonly signatures: readonly { readonly label: Label; readonly signature: Signature }[];
  readonly links: readonly { readonly name: string; readonly mtu: number }[];
}

/** Knows none. */
export const NO_STACKS: Stacks = { signatures: [], links: [] };

export interface StacksResult {
  /** Null exactly when `diagnostics` holds an error. */
  readonly stacks: Stacks | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a file; what is wrong with it comes with line and column. */
export function loadStacks(file: string): StacksResult {
  const refuse = (message: string, help: string): StacksResult => ({
    stacks: null,
    diagnostics: [fileProblem(file, 'STACK-001', message, help)],
  });
  try {
    const { size } = statSync(file);
    if (size > MAX_STACKS_BYTES) {
      return refuse(`the file is ${size} bytes long; at most ${MAX_STACKS_BYTES} are read`, 'shorten it');
    }
    return parseStacks(file, readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return refuse(`the signatures cannot be read (${reason})`, 'check the path and its rights');
  }
}

/** `loadStacks` for text that is already read. */
export function parseStacks(file: string, text: string): StacksResult {
  const reader = new Reader(file);
  text.split('\n').forEach((line, index) => {
    reader.read(line.replace(/\r$/, ''), index + 1);
  });
  const { signatures, links, diagnostics } = reader;
  return { stacks: diagnostics.length === 0 ? { signatures, links } : null, diagnostics };
}

const SECTIONS = ['mtu', 'tcp:request', 'tcp:response', 'http:request', 'http:response'];

class Reader {
  readonly signatures: { label: Label; signature: Signature }[] = [];
  readonly links: { name: string; mtu: number }[] = [];
  readonly diagnostics: Diagnostic[] = [];
  readonly #file: string;
  #classes: readonly string[] = [];
  #section: string | null = null;
  #label: Label | null = null;
  #link: string | null = null;
  #line = 0;

  constructor(file: string) {
    this.#file = file;
  }

  #problem(column: number, length: number, message: string, help: string): void {
    const line = this.#line;
    const place = { file: this.#file, line, column, endLine: line, endColumn: column + Math.max(length, 1) };
    this.diagnostics.push({ code: 'STACK-002', severity: 'error', message, ...place, help });
  }

  read(line: string, number: number): void {
    this.#line = number;
    const text = line.trim();
    if (text === '' || text.startsWith(';')) return;
    const column = line.indexOf(text) + 1;
    if (text.startsWith('[')) return this.#open(text, column);
    const [, key, gap, value] = /^([a-z_]+)(\s*=\s*)(.*)$/.exec(text) ?? [];
    if (key === undefined || gap === undefined || value === undefined) {
      return this.#problem(
        column,
        text.length,
        'the line is neither a section nor `key = value`',
        'begin a comment with ;',
      );
    }
    this.#set(key, value, column, column + key.length + gap.length);
  }

  #open(text: string, column: number): void {
    const name = /^\[(.*)\]$/.exec(text)?.[1] ?? '';
    if (!SECTIONS.includes(name)) {
      return this.#problem(
        column,
        text.length,
        `there is no section ${text}`,
        `there are ${SECTIONS.join(', ')}`,
      );
    }
    this.#section = name;
    this.#label = null;
    this.#link = null;
  }

  #set(key: string, value: string, keyColumn: number, column: number): void {
    if (this.#section === null && key === 'classes') {
      this.#classes = value.split(',').map((name) => name.trim());
    } else if (this.#section === null) {
      this.#problem(
        keyColumn,
        key.length,
        `\`${key}\` stands before the first section`,
        'begin with [mtu] or [tcp:request]',
      );
    } else if (this.#section === 'mtu') this.#setLink(key, value, keyColumn, column);
    else if (this.#section === 'tcp:request') this.#setStack(key, value, keyColumn, column);
  }

  #setLink(key: string, value: string, keyColumn: number, column: number): void {
    if (key === 'label' && value !== '' && value.length <= MAX_LABEL) this.#link = value;
    else if (key === 'label')
      this.#problem(column, value.length, `a label has 1 to ${MAX_LABEL} characters`, 'shorten it');
    else if (key !== 'sig') this.#unknown(key, keyColumn);
    else if (this.#link === null) this.#unlabelled(keyColumn);
    else if (!/^\d{1,5}$/.test(value) || Number(value) < 1 || Number(value) > 65_535) {
      this.#problem(column, value.length, `${JSON.stringify(value)} is not an MTU`, 'write 1 to 65535');
    } else this.links.push({ name: this.#link, mtu: Number(value) });
  }

  #setStack(key: string, value: string, keyColumn: number, column: number): void {
    if (key === 'sys') return;
    if (key === 'label') {
      this.#label = this.#readLabel(value, column);
      return;
    }
    if (key !== 'sig') return this.#unknown(key, keyColumn);
    if (this.#label === null) return this.#unlabelled(keyColumn);
    const signature = parseSignature(value);
    if ('message' in signature) {
      this.#problem(
        column + signature.at,
        value.length - signature.at,
        signature.message,
        'see the p0f 3 README, section 5',
      );
    } else this.signatures.push({ label: this.#label, signature });
  }

  /** `s:unix:Linux:5.x`, `g:win:Windows:`, `s:!:masscan:`. A wrong one is reported and stands for what follows it. */
  #readLabel(value: string, column: number): Label {
    const [, type = '', group = '', name = '', flavor = ''] =
      /^([^:]*):([^:]*):([^:]*):(.*)$/.exec(value) ?? [];
    const help = 'write type:class:name:flavor, such as s:unix:Linux:5.x';
    if ((type !== 's' && type !== 'g') || name === '' || value.length > MAX_LABEL) {
      this.#problem(column, value.length, `${JSON.stringify(value)} is not a label`, help);
    } else if (group !== '!' && !this.#classes.includes(group)) {
      const known = `\`classes\` has ${this.#classes.join(', ') || 'none'}; ! is for tools`;
      this.#problem(column + 2, group.length, `there is no class ${JSON.stringify(group)}`, known);
    }
    return { name, flavor, generic: type === 'g', tool: group === '!' };
  }

  #unknown(key: string, column: number): void {
    this.#problem(
      column,
      key.length,
      `\`${key}\` has no meaning in [${this.#section}]`,
      'write label, sys or sig',
    );
  }

  #unlabelled(column: number): void {
    this.#problem(column, 3, 'the signature has no label', 'write `label = …` before it');
  }
}
