/** The `std.browser` fixture: a current browser's first visit, for facts that a test does not give. */
import type { FactValue } from './compile-test.ts';

const NOON = Date.UTC(2026, 0, 7, 12);

/** Facts by name; those not listed are unknown. `hello.sni` and `conn.listener` come from the site. */
export const BROWSER: Readonly<Record<string, FactValue>> = {
  'conn.ip': '203.0.113.1',
  'conn.port': 50_000,
  'conn.proxied': false,
  'conn.rtt': 20_000,
  'time.now': NOON,
  'time.hour': 12,
  'time.weekday': 3,
  'sys.handshakes': 1_000_000,
  'sys.load': 100_000,
  'sys.inflight': 10,
  'hello.max_version': 0x0304,
  'hello.versions': [0x0304, 0x0303],
  'hello.ciphers': [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d,
    0x002f, 0x0035,
  ],
  'hello.groups': [0x11ec, 0x001d, 0x0017, 0x0018],
  'hello.key_share_groups': [0x11ec, 0x001d],
  'hello.sigalgs': [0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
  'hello.extensions': [0, 5, 10, 11, 13, 16, 18, 23, 27, 35, 43, 45, 51, 17613, 0xfe0d, 0xff01],
  'hello.alpn': ['h2', 'http/1.1'],
  'hello.psk_modes': [1],
  'hello.ja3': 'cd08e31494f9531f560d64c695473da9',
  'hello.ja4': 't13d1516h2_8daaf6152771_02713d6af862',
  'hello.size': 1800,
  'hello.records': 1,
  'hello.segments': 2,
  'hello.complete_in': 1000,
  'hello.grease': true,
  'hello.ech': true,
  'hello.resumption': false,
  'hello.early_data': false,
  'hello.pq': true,
  'client.cleared': false,
  'client.handshakes': 0,
  'client.failures': 0,
};
