/** What the decision core and the reference say of one hello, in one form that can be compared. */
import * as L from '../../src/core/layout.gen.ts';
import { statusName } from '../../src/core/status.ts';
import type { Answer, ClientHello } from '../reference/client-hello.ts';
import { highestVersion } from '../reference/client-hello.ts';
import { fingerprints } from '../reference/fingerprints.ts';
import type { RawCore } from './raw-core.ts';

export type Form = 'records' | 'handshake';
export type Proto = 'tls' | 'dtls' | 'quic';

const FORMS: readonly Form[] = ['records', 'handshake'];
const PROTOS: readonly Proto[] = ['tls', 'dtls', 'quic'];
const VIOLATION = 3;
const TEXTS = ['ja3', 'ja3n', 'ja4', 'ja4_r', 'ja4_o', 'ja4_ro'] as const;

/** The core's answer as text: equal texts mean equal answers. */
export function answerOfCore(core: RawCore, bytes: Uint8Array, form: Form, proto: Proto): string {
  const status = core.parse(bytes, FORMS.indexOf(form), PROTOS.indexOf(proto));
  const name = statusName(status);
  if (status !== 0 && -status >> 16 !== VIOLATION) return name;
  const field = (at: number): number => core.u32(L.REGION_HELLO, at);
  const nameAt = field(L.HELLO_NAME_OFFSET_AT);
  const nameLength = field(L.HELLO_NAME_LENGTH_AT);
  const texts = TEXTS.map((_, kind) => core.text(kind));
  const parts = [
    name,
    ...texts,
    core.latin1(L.REGION_HELLO, L.HELLO_JA3_HASH_AT, 32),
    core.latin1(L.REGION_HELLO, L.HELLO_JA3N_HASH_AT, 32),
    core.latin1(L.REGION_HELLO, L.HELLO_JA4_AT, 36),
    nameLength === 0 ? '-' : core.latin1(L.REGION_VALUES, nameAt, nameLength),
    field(L.HELLO_RECORDS_AT),
    field(L.HELLO_CONSUMED_AT),
    field(L.HELLO_MESSAGE_LENGTH_AT),
    field(L.HELLO_LEGACY_VERSION_AT),
    field(L.HELLO_MAX_VERSION_AT),
    field(L.HELLO_SESSION_ID_LENGTH_AT),
    field(L.HELLO_ALPN_COUNT_AT),
    (field(L.HELLO_FLAGS_AT) & L.HELLO_FLAG_GREASE) !== 0,
  ];
  if (status === 0) for (const fact of LISTS) parts.push(core.codes(fact).join());
  return parts.join('\n');
}

const LISTS = [
  L.FACT_HELLO_CIPHERS,
  L.FACT_HELLO_EXTENSIONS,
  L.FACT_HELLO_GROUPS,
  L.FACT_HELLO_SIGALGS,
  L.FACT_HELLO_KEY_SHARE_GROUPS,
  L.FACT_HELLO_PSK_MODES,
];

/** The same for the reference's answer. */
export function answerOfReference(answer: Answer): string {
  if (typeof answer === 'string') return answer;
  const prints = fingerprints(answer);
  const parts = [
    answer.violation ?? 'complete',
    ...TEXTS.map((kind) => prints[kind]),
    prints.ja3_hash,
    prints.ja3n_hash,
    prints.ja4,
    answer.name ?? '-',
    answer.records,
    answer.consumed,
    answer.bytes,
    answer.legacyVersion,
    highestVersion(answer.proto, answer.versions, answer.legacyVersion),
    answer.sessionIdLength,
    answer.alpn.length,
    answer.grease,
  ];
  if (answer.violation === null) for (const list of listsOf(answer)) parts.push(list.join());
  return parts.join('\n');
}

function listsOf(hello: ClientHello): readonly (readonly number[])[] {
  const types = hello.extensions.map(({ type }) => type);
  return [hello.ciphers, types, hello.groups, hello.sigalgs, hello.keyShares, hello.pskModes];
}
