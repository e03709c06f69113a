/** The catalogue's findings about what the language can say and this release cannot do, or not yet. */
import type { CatalogueRow } from './catalogue.ts';

/** The reason of most: a policy that is checked and tested now, and served by a release that enforces it. */
const LATER =
  'The language can say it, and it is checked, compiled and tested; an engine that cannot enforce it refuses to serve it rather than ignore it.';
const NEVER = 'This release has no meaning for it, so it is refused rather than ignored.';

export const SUPPORT: readonly CatalogueRow[] = [
  [
    'PDL-X008',
    'warning',
    'a proof that is not proved yet',
    'It is read and type-checked, so that it is there when the prover is; until then only tests are run.',
    'prove "it holds" for main when client.cleared then not challenged',
    'test "it holds" for main { given { client.cleared true }  expect { challenge none } }',
  ],
  [
    'PDL-X009',
    'error',
    'a source of feeds that is not read',
    LATER,
    'feed f of country from builtin "sanctions" { refresh 1d }',
    'feed f of country from url "https://feeds.example/f" { refresh 1d }',
  ],
  [
    'PDL-X010',
    'error',
    'options of a feed are not enforced',
    LATER,
    'secret k from env "K"\nfeed f of cidr from file "f" { auth k }',
    'feed f of cidr from file "f" { }',
  ],
  [
    'PDL-X012',
    'error',
    'a kind of challenge that is not posed',
    LATER,
    'secret k from env "K"\nchallenge c { kind captcha  solve_within 2m  clears for 1h per conn.ip  secret k }',
    'secret k from env "K"\nchallenge c { kind pow  difficulty 12  solve_within 2m  clears for 1h per conn.ip  secret k }',
  ],
  [
    'PDL-X013',
    'error',
    'an algorithm or fallback that is not offered',
    LATER,
    'secret k from env "K"\nchallenge c { kind pow  algorithm argon2id_small  difficulty 8  solve_within 2m  clears for 1h per conn.ip  secret k }',
    'secret k from env "K"\nchallenge c { kind pow  algorithm sha256_bits  difficulty 12  solve_within 2m  clears for 1h per conn.ip  secret k }',
  ],
  [
    'PDL-X015',
    'error',
    '`first` and `all` are not supported',
    NEVER,
    'deny x when first(hello.alpn) == "h2" do drop',
    'deny x when hello.alpn has "h2" do drop',
  ],
  [
    'PDL-X016',
    'error',
    'what no policy can turn on',
    'TLS below 1.2, early data and renegotiation are below the floor of every policy.',
    'policy p extends low { tls { early_data on } }',
    'policy p extends low { tls { early_data off } }',
  ],
  [
    'PDL-X018',
    'error',
    'feeds of a type that are not supported',
    NEVER,
    'feed f of cipher from file "f" { }',
    'set s of cipher = { TLS_AES_128_GCM_SHA256 }',
  ],
  [
    'PDL-X019',
    'error',
    '`slots` of a counter',
    'All counters share tables of a fixed size.',
    'counter c per conn.ip window 10s slots 100',
    'counter c per conn.ip window 10s',
  ],
  [
    'PDL-X020',
    'error',
    'time zones',
    'Time facts are in UTC, so that a policy means the same everywhere.',
    'pdl 1\nmeta { tz "Europe/Amsterdam" }',
    'pdl 1\nmeta { owner "ops" }',
  ],
  [
    'PDL-X021',
    'error',
    'a difference of feeds asked of a list',
    NEVER,
    'feed f of string from file "f" { }\nset odd of string = f - { "h2" }\ndefine d = any(hello.alpn) in odd',
    'feed f of string from file "f" { }\ndefine d = any(hello.alpn) in f',
  ],
  [
    'PDL-X023',
    'error',
    '`authenticate` is not enforced',
    LATER,
    'policy p extends low { authenticate { methods [ totp ] within 15m } }',
    'policy p extends low { rank 7 }',
  ],
];
