/** Known answers, so that a host can tell a broken engine before it trusts a decision. */
import { FORM_HANDSHAKE, HELLO_JA4_AT, PROTO_TLS, STATUS_SELFTEST_FAILED } from './abi/layout.gen';
import { be32 } from './bytes';
import { parseHello } from './hello';
import { forgetOrigin } from './leaf';
import { md5 } from './md5';
import { DIGEST, HELLO } from './memory';
import { sha256 } from './sha256';
import { clearSlots } from './slots';

/** `abc`. */
const ABC: usize = memory.data<u8>([0x61, 0x62, 0x63]);

/** A ClientHello of TLS 1.0 with one suite and no extensions. */
const HELLO_MESSAGE: usize = memory.data<u8>([
  1, 0, 0, 41, 3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 2, 0, 47, 1, 0,
]);
const HELLO_MESSAGE_BYTES: i32 = 45;
/** The fingerprint it must give begins with `t10i0100`. */
const JA4_HEAD: u32 = 0x7431_3069;
const JA4_COUNTS: u32 = 0x3031_3030;

/** 0, or STATUS_SELFTEST_FAILED. Forgets every fact and the last hello. */
export function selftest(): i32 {
  sha256(ABC, 3);
  if (be32(DIGEST) != 0xba7816bf || be32(DIGEST + 28) != 0xf20015ad) return STATUS_SELFTEST_FAILED;
  md5(ABC, 3);
  if (be32(DIGEST) != 0x90015098 || be32(DIGEST + 12) != 0x28e17f72) return STATUS_SELFTEST_FAILED;
  const status = parseHello(HELLO_MESSAGE, HELLO_MESSAGE_BYTES, FORM_HANDSHAKE, PROTO_TLS);
  const head = be32(HELLO + HELLO_JA4_AT);
  const counts = be32(HELLO + HELLO_JA4_AT + 4);
  forgetOrigin();
  clearSlots();
  return status == 0 && head == JA4_HEAD && counts == JA4_COUNTS ? 0 : STATUS_SELFTEST_FAILED;
}
