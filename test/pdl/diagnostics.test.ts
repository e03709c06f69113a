import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BASE, compileText, errorsOf, unmark } from './support.ts';

const rule = (condition: string): string => `${BASE.slice(0, -2)}  deny x when ${condition} do drop\n}\n`;
const POW = 'kind pow  difficulty 8  solve_within 30s  clears for 1h per conn.ip  secret k';
const many = (count: number, each: (index: number) => string, joint: string): string =>
  Array.from({ length: count }, (_, index) => each(index)).join(joint);

/** Three rules of 50 tests each; the third one needs the 129th. */
function crowded(): string {
  const tests = (first: number): string => many(50, (i) => `conn.port == ${first + i}`, ' or ');
  const rules = ['a', 'b'].map((name, i) => `  deny ${name} when ${tests(100 * (i + 1))} do drop\n`).join('');
  return rule(`«${tests(300)}»`).replace('  deny x', `${rules}  deny x`);
}

/** Code, and a policy in which the marks stand around the place of its only finding of that code. */
const CASES: readonly (readonly [code: string, marked: string])[] = [
  ['PDL-G001', `${BASE}limit f { per conn.ip «alow» 5/s then drop }\n`],
  ['PDL-G002', `${BASE}secret k from env «"K»\n`],
  ['PDL-G003', `${BASE}counter c per conn.ip window «10sec»\n`],
  ['PDL-G004', `${BASE}define d = «?»\n`],
  ['PDL-G005', `${BASE}define d = client.cleared and«(»client.cleared)\n`],
  ['PDL-G006', `${BASE}policy p extends low «{»\n  rank 7\n\nsecret k from env "K"\n`],
  ['PDL-H010', BASE.replace('pdl 1', 'pdl «2»')],
  ['PDL-H011', BASE.replace('pdl 1', 'pdl 1 requires engine >= «9.1»')],
  ['PDL-N001', BASE.replace('on_error use low', 'on_error use «lou»')],
  ['PDL-N002', `${BASE}policy «low» extends tls.modern { rank 3 }\n`],
  ['PDL-N003', BASE.replace('as tls', 'as tls\nimport «"gone.pdl"» as gone')],
  ['PDL-N005', BASE.replace('as tls', 'as tls\nimport "std/tls" as «conn»')],
  ['PDL-N006', rule('«conn.prt» == 1')],
  ['PDL-N007', rule('hello.ciphers has «TLS_AES_128_GCM_SHA255»')],
  ['PDL-N008', `${BASE}@«whi» "x"\nsecret k from env "K"\n`],
  ['PDL-N009', `${BASE}define a = b\ndefine b = not «a»\n`],
  ['PDL-Y001', rule('«hello.sni < "a"»')],
  ['PDL-Y002', rule('hello.sni == «5»')],
  ['PDL-Y004', rule('conn.rtt > «5»')],
  ['PDL-Y003', rule('«hello.alpn == "h2"»')],
  ['PDL-Y005', `set office of cidr = { 192.0.2.0/24 }\n`],
  ['PDL-Y006', `${BASE}counter c per «hello.alpn» window 10s\n`],
  ['PDL-Y007', rule('conn.ip in { «300.0.2.1» }')],
  ['PDL-Y008', rule('time.hour in «5»..1')],
  ['PDL-P001', `${BASE}secret «k» from env "K"\n`],
  ['PDL-P010', BASE.replace('on_error use low', 'on_error use «tls.modern»')],
  ['PDL-P003', `${BASE}policy p extends low { tls { «renegotiation on» } }\n`],
  ['PDL-P004', BASE.replace('site main', 'site «main»').replace('rank 90', 'rank 5')],
  ['PDL-P011', `${BASE}policy p extends low { rank 7 «rank 8» }\n`],
  [
    'PDL-P006',
    `${BASE}challenge «c» { kind pow  difficulty 8  solve_within 3s  clears for 1h per conn.ip }\n`,
  ],
  ['PDL-T001', `${BASE}policy «p» { rank 7 }\n`],
  ['PDL-T002', `${BASE}policy «p» extends tls.modern { tls { versions tls1.2..tls1.3 } }\n`],
  ['PDL-T003', `${BASE}policy «p» extends low { tls { ciphers += [ TLS_RSA_WITH_AES_128_GCM_SHA256 ] } }\n`],
  ['PDL-Y020', `${BASE}policy «p» extends low { tls { ciphers += [ cipher(0x1399) ] } }\n`],
  ['PDL-S001', `${BASE}score s2 { clamp 0..9  signal a +1 when «client.cleared and not client.cleared» }\n`],
  ['PDL-S010', `${BASE}score «s2» { signal a +1 when client.cleared }\n`],
  ['PDL-S003', `${BASE}score s2 { clamp 0..9  signal a +0..5 ramp conn.port from 9 to «3» }\n`],
  ['PDL-S011', `${BASE}score s2 { clamp 0..9  signal a «+0..5» when client.cleared }\n`],
  ['PDL-S005', `${BASE}score s2 { clamp 0..9  group g cap 5 floor «6» { } }\n`],
  ['PDL-L001', BASE.replace('from 0 use', 'from «1» use')],
  [
    'PDL-L002',
    BASE.replace('signal base +90', 'signal base +9').replace('from 50 use high', '«from 50 use high»'),
  ],
  [
    'PDL-L010',
    `${BASE.replace('ladder { from 0 use low  from 50 use high }', '«ladder other»')}score s2 { clamp 0..9 }\nladder other on s2 { from 0 use low }\n`,
  ],
  ['PDL-R001', rule('«hello.size < 5B and hello.size > 9B»')],
  ['PDL-R010', `${BASE.slice(0, -2)}  deny x when client.cleared do «accept»\n}\n`],
  ['PDL-R001', rule('«true»')],
  ['PDL-I001', BASE.replace('  on_error use low\n', '').replace('site main', 'site «main»')],
  ['PDL-I002', '«pdl» 1\n'],
  ['PDL-I003', `${BASE}${BASE.slice(BASE.indexOf('site')).replace('site main', 'site «again»')}`],
  ['PDL-C010', `${BASE}counter c per conn.ip window «0s»\n`],
  [
    'PDL-C002',
    `${BASE}secret k from env "K"\nchallenge c { ${POW.replace('difficulty 8', '«difficulty 0»')} }\n`,
  ],
  ['PDL-F001', `${BASE}feed f of cidr from file "f" { refresh 1h «max_age 1m» }\n`],
  ['PDL-B001', crowded()],
  ['PDL-B002', rule(`«${many(7, (i) => `(conn.port == ${i} or conn.ttl == ${i})`, ' and ')}»`)],
  [
    'PDL-X002',
    `${BASE}ca c from file "c.pem"\npolicy p extends low { client_cert «require» { trust [ c ] } }\n`,
  ],
  ['PDL-X004', `${BASE}policy p extends low { «ensure client.cleared» rank 7 }\n`],
  ['PDL-X005', `${BASE}mode «m» { state calm initial }\n`],
  ['PDL-X008', `${BASE}prove «"it holds"» for main when client.cleared then not challenged\n`],
  ['PDL-X009', `${BASE}feed f of cidr from «builtin» "x" { }\n`],
  ['PDL-X009', `${BASE}feed f of cidr to score from «dnsbl» "x.example" { }\n`],
  ['PDL-X010', `${BASE}secret k from env "K"\nfeed f of cidr from file "f" { «auth k» }\n`],
  ['PDL-Y007', `${BASE}feed f of cidr from dnsbl «"not a zone"» { }\n`],
  [
    'PDL-X012',
    `${BASE}secret k from env "K"\nchallenge c { «kind captcha»  solve_within 30s  clears for 1h per conn.ip  secret k }\n`,
  ],
  ['PDL-X013', `${BASE}secret k from env "K"\nchallenge c { ${POW} «algorithm argon2id_small» }\n`],
  ['PDL-X014', rule('hello.sni matches «/x/»')],
  ['PDL-X015', rule('«first(hello.alpn)» == "h2"')],
  ['PDL-X016', `${BASE}policy p extends low { tls { «early_data on» } }\n`],
  ['PDL-X018', `${BASE}feed f of «cipher» from file "f" { }\n`],
  ['PDL-X019', `${BASE}counter c per conn.ip window 10s slots «100»\n`],
  ['PDL-X020', BASE.replace('score risk', 'meta { «tz» "x" }\nscore risk')],
];

for (const [code, marked] of CASES) {
  test(`${code} is reported at its place, with help`, () => {
    const source = code === 'PDL-Y005' ? `${rule('conn.asn in «office»')}${marked}` : marked;
    const { text, place } = unmark(source);
    const result = compileText(text);
    const found = [...result.diagnostics, ...result.needs].filter((diagnostic) => diagnostic.code === code);
    assert.equal(found.length, 1, JSON.stringify(result.diagnostics, null, 1));
    const { line, column, endLine, endColumn, help, severity, file } = found[0]!;
    assert.deepEqual([line, column, endLine, endColumn], place);
    assert.equal(file, 'main.pdl');
    assert.notEqual(help, '');
    const others = errorsOf(result).filter((diagnostic) => diagnostic.code !== code);
    assert.deepEqual(others, [], 'one cause gives one error');
    assert.equal(result.program === null, severity === 'error' && !result.needs.includes(found[0]!));
  });
}

test('a circle of imports is reported where it closes', () => {
  const a = 'pdl 1\nimport "main.pdl" as back\n';
  const result = compileText(BASE.replace('as tls', 'as tls\nimport "a.pdl" as a'), { 'a.pdl': a });
  assert.deepEqual(
    errorsOf(result).map(({ code, file, line }) => [code, file, line]),
    [['PDL-N004', 'a.pdl', 2]],
  );
});

test('a difference of feeds cannot be asked of a list', () => {
  const sets = 'feed f of string from file "f" { }\nset s of string = f - { "h2" }\n';
  const result = compileText(`${rule('any(hello.alpn) in s')}${sets}`);
  assert.deepEqual(
    errorsOf(result).map(({ code }) => code),
    ['PDL-X021'],
  );
});

test('ten different errors give ten diagnostics at ten places', () => {
  const text = `pdl 1
import "std/tls" as tls
secret key from env "KEY"
feed bad of cidr from url "http://x.example/bad" { }
counter c per hello.alpn window 10s
limit l { per conn.ip allow 0/s then drop }
score risk {
  clamp 0..100
  signal one +10 when conn.ip in bda
  signal two +0..10 when client.cleared
  signal three +5 when hello.size > 5
}
policy low extends tls.intermediate { tls { renegotiation on } }
policy high extends tls.modern { action refuse alert acces_denied rank 90 }
site main {
  listen edge
  sni any
  score risk
  ladder { from 5 use low  from 50 use high }
  on_eror use low
}
`;
  assert.deepEqual(
    errorsOf(compileText(text)).map(({ code, line, column }) => [code, line, column]),
    [
      ['PDL-F003', 4, 27],
      ['PDL-Y006', 5, 15],
      ['PDL-C010', 6, 29],
      ['PDL-N001', 9, 34],
      ['PDL-S011', 10, 14],
      ['PDL-Y004', 11, 37],
      ['PDL-P003', 13, 45],
      ['PDL-N007', 14, 54],
      ['PDL-L001', 19, 17],
      ['PDL-G001', 20, 3],
    ],
  );
});

test('text that no table can hold is refused', () => {
  const long = 'a'.repeat(64);
  for (const text of ['', `${long}.example`, 'two..dots']) {
    assert.deepEqual(
      errorsOf(compileText(rule(`hello.sni == "${text}"`))).map(({ code }) => code),
      ['PDL-Y007'],
    );
  }
});

test('a close name is suggested', () => {
  const result = compileText(BASE.replace('on_error use low', 'on_error use hihg'));
  assert.equal(errorsOf(result)[0]!.help, 'did you mean `high`?');
});

test('a warning is silenced where @allow names its code', () => {
  const loud = rule('true');
  const quiet = loud.replace('deny x', '@allow "PDL-R001"\n  deny x');
  const codes = (text: string): string[] => compileText(text).diagnostics.map(({ code }) => code);
  assert.deepEqual(codes(loud), ['PDL-R001']);
  assert.deepEqual(codes(quiet), []);
});

test('a name that is not there is the one finding, whatever follows from it', () => {
  const text = BASE.replace('signal base', 'signal listed +20 when conn.ip in nowhere  signal base');
  assert.deepEqual(
    compileText(text).diagnostics.map(({ code }) => code),
    ['PDL-N001'],
  );
});
