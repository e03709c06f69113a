/** The syntax tree of a `policy` and its sections. */
import type { Span } from '../ir.ts';
import type { Entry, Expression, Items, Name, Named, Value, VerdictNode } from './ast-expression.ts';

export interface TlsEntry extends Entry {
  readonly operator: '=' | '+=' | '-=' | null;
  readonly locked: boolean;
}
export interface LockableEntry extends Entry {
  readonly locked: boolean;
}
/** `CONDITION [else VERDICT]`: clients for whom it is false are turned away. */
export interface EnsureNode {
  readonly condition: Expression;
  readonly otherwise: VerdictNode | null;
  readonly span: Span;
}
/** `max_count` and `order` have one value, the others the members of a set. */
export interface ExtensionEntry extends LockableEntry {
  readonly otherwise: VerdictNode | null;
}
/** `send ext(0xff5a) "text" in encrypted_extensions`. */
export interface SendEntry {
  readonly key: 'send';
  readonly extension: Value;
  readonly content: Value;
  readonly message: Name;
  readonly span: Span;
}
export type CertificateEntry =
  | { readonly kind: 'trust'; readonly list: Items; readonly span: Span }
  | { readonly kind: 'depth'; readonly value: Value; readonly span: Span }
  | { readonly kind: 'ensure'; readonly ensure: EnsureNode; readonly span: Span }
  | {
      readonly kind: 'revocation';
      readonly source: 'crl' | 'ocsp' | 'feed';
      readonly from: Value;
      readonly onUnknown: 'accept' | 'refuse' | null;
      readonly span: Span;
    };
export type Section =
  | { readonly kind: 'action'; readonly verdict: VerdictNode; readonly span: Span }
  | { readonly kind: 'tls'; readonly entries: readonly TlsEntry[]; readonly span: Span }
  | { readonly kind: 'handshake'; readonly entries: readonly LockableEntry[]; readonly span: Span }
  | {
      readonly kind: 'extensions';
      readonly entries: readonly (ExtensionEntry | SendEntry)[];
      readonly span: Span;
    }
  | {
      readonly kind: 'client_cert';
      readonly mode: Name;
      readonly entries: readonly CertificateEntry[];
      readonly span: Span;
    }
  | {
      readonly kind: 'authenticate';
      readonly methods: readonly { readonly method: Name; readonly provider: Name | null }[];
      readonly within: Value | null;
      readonly span: Span;
    }
  | { readonly kind: 'upstream'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'challenge'; readonly name: Name; readonly span: Span }
  | { readonly kind: 'limits'; readonly list: Items; readonly span: Span }
  | { readonly kind: 'ensure'; readonly ensure: EnsureNode; readonly span: Span }
  | { readonly kind: 'log'; readonly mode: string; readonly percent: Value | null; readonly span: Span }
  | { readonly kind: 'rank'; readonly value: Value; readonly span: Span };
export interface PolicyNode extends Named {
  readonly kind: 'policy';
  readonly abstract: boolean;
  readonly parent: Name | null;
  readonly sections: readonly Section[];
}
