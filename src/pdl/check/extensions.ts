/** T004: rules about extensions that contradict each other or the TLS profile. */
import { EXTENSION_CODES, EXTENSION_NAMES } from '../registry/iana.ts';
import type { PolicyNode } from '../syntax/ast.ts';
import type { Subject } from './subject.ts';

const TLS13 = 0x0304;
const NEEDED_BY_13 = ['supported_versions', 'key_share'].map((name) => EXTENSION_CODES.get(name)!);
const ALPN = EXTENSION_CODES.get('application_layer_protocol_negotiation')!;

export function checkExtensions({ program, origins, report }: Subject): void {
  for (const policy of program.policies) {
    const { extensions, tls, verdict } = policy;
    const node = origins.policies.get(policy);
    if (!extensions || !node || verdict.action !== 'accept') continue;
    const say = (key: string, message: string, help: string, isError = true): void => {
      const span = placeOf(node, key);
      if (isError) report.error('PDL-T004', span, message, help);
      else report.warning('PDL-T004', span, message, help);
    };
    const required = extensions.require?.types ?? [];
    const forbidden = extensions.forbid?.types ?? [];
    const both = required.filter((type) => forbidden.includes(type));
    if (both.length > 0) {
      say('forbid', `${named(both)} is required and forbidden`, 'remove it from one of the two sets');
    }
    const left = required.filter((type) => extensions.only && !extensions.only.types.includes(type));
    if (left.length > 0)
      say('only', `${named(left)} is required, but not among the only ones allowed`, 'add it to `only`');
    if (extensions.order === 'fixed' && extensions.require === null && extensions.only === null) {
      const help = 'list the types in their order in `require` or `only`';
      say('order', '`order fixed` has no list whose order it could mean', help, false);
    }
    const { maxCount } = extensions;
    if (maxCount !== null && maxCount.count < required.length) {
      say(
        'max_count',
        `${required.length} extensions are required, and ${maxCount.count} are allowed`,
        'raise max_count',
      );
    }
    const banned = (type: number): boolean =>
      forbidden.includes(type) || (extensions.only !== null && !extensions.only.types.includes(type));
    const blocking = NEEDED_BY_13.filter(banned);
    if (tls.maxVersion >= TLS13 && blocking.length > 0) {
      const only13 = tls.minVersion >= TLS13;
      const help = only13 ? 'allow it' : 'allow it, or write `versions tls1.2..tls1.2`';
      const message = `without ${named(blocking)} no client can negotiate TLS 1.3`;
      say(forbidden.some((type) => blocking.includes(type)) ? 'forbid' : 'only', message, help, only13);
    }
    if (tls.alpn.length > 0 && banned(ALPN)) {
      say(
        forbidden.includes(ALPN) ? 'forbid' : 'only',
        'a protocol is offered by ALPN, and the extension for it is not allowed',
        'allow application_layer_protocol_negotiation, or leave out `alpn`',
      );
    }
  }
}

function named(types: readonly number[]): string {
  return types.map((type) => `\`${EXTENSION_NAMES.get(type) ?? `ext(0x${type.toString(16)})`}\``).join(', ');
}

/** The entry of the policy itself, or its name when an ancestor wrote it. */
function placeOf(node: PolicyNode, key: string) {
  const entries = node.sections.flatMap((section) => (section.kind === 'extensions' ? section.entries : []));
  return entries.find((entry) => entry.key === key)?.span ?? node.name.span;
}
