/** Structure: the file against `config.schema.json`, every finding with its place. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { closest } from '../pdl/diagnostics/closest.ts';
import type { Diagnostic } from '../pdl/diagnostics/diagnostic.ts';
import schema from './config.schema.json' with { type: 'json' };
import type { ConfigDocument } from './document.ts';

const ajv = new Ajv2020({ allErrors: true, verbose: true, allowUnionTypes: true });
const validate = ajv.compile(schema);

/** Everything about the document that the schema forbids. */
export function validateStructure(document: ConfigDocument): Diagnostic[] {
  if (validate(document.value)) return [];
  const problems = validate.errors ?? [];
  return problems.filter(({ keyword }) => keyword !== 'if').map((error) => describe(error, document));
}

function describe(error: ErrorObject, document: ConfigDocument): Diagnostic {
  const path = pathOf(error.instancePath);
  const name = path.length === 0 ? 'the file' : `\`${keyText(path)}\``;
  const value = { severity: 'error', ...document.valueAt(path) } as const;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = error.params.additionalProperty as string;
      const known = Object.keys((error.parentSchema as { properties: object }).properties);
      const near = closest(key, known);
      return {
        code: 'CFG-K001',
        severity: 'error',
        ...document.keyAt([...path, key]),
        message: `unknown key \`${key}\` in ${name}`,
        help: near ? `did you mean \`${near}\`?` : `the keys here are ${known.join(', ')}`,
      };
    }
    case 'required': {
      const key = error.params.missingProperty as string;
      return {
        code: 'CFG-K002',
        ...value,
        ...document.keyAt(path),
        message: `${name} lacks the key \`${key}\``,
        help: `add \`${key}\``,
      };
    }
    case 'type': {
      const wanted = [error.params.type].flat().map((type) => TYPE_NAMES[type as string] ?? type);
      return {
        code: 'CFG-T001',
        ...value,
        message: `${name} is ${typeName(error.data)}, but ${wanted.join(' or ')} is expected`,
        help: `write ${wanted.join(' or ')}`,
      };
    }
    case 'enum':
    case 'const': {
      const allowed = (error.params.allowedValues ?? [error.params.allowedValue]) as unknown[];
      const near = typeof error.data === 'string' ? closest(error.data, allowed.map(String)) : null;
      const list = allowed.map((each) => JSON.stringify(each)).join(', ');
      return {
        code: 'CFG-V001',
        ...value,
        message: `${name} cannot be ${JSON.stringify(error.data)}`,
        help: near ? `did you mean ${JSON.stringify(near)}? Allowed: ${list}` : `allowed: ${list}`,
      };
    }
    default:
      return {
        code: 'CFG-V001',
        ...value,
        message: `${name} ${error.message ?? 'is not valid'}`,
        help: (error.parentSchema as { description?: string }).description ?? 'see docs/operations.md',
      };
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function typeName(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  return TYPE_NAMES[typeof value] ?? typeof value;
}

/** A JSON Pointer (RFC 6901) as its steps. */
function pathOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** `listeners[0].address`, as a person would say it. */
export function keyText(path: readonly (string | number)[]): string {
  return path
    .map((step) => (/^\d+$/.test(String(step)) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}
