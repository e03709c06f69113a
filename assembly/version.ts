/** Which version a ClientHello asks for. */
import { HELLO_LEGACY_VERSION_AT, PROTO_DTLS } from './abi/layout.gen';
import { HELLO } from './memory';
import { listAt, listCount, proto, VERSIONS } from './parsed';

/**
 * The highest version of supported_versions, or legacy_version when there is none. DTLS counts down
 * (0xfeff is 1.0, 0xfefc 1.3), so there the lowest number is the highest version.
 */
export function maxVersion(): i32 {
  const at = listAt(VERSIONS);
  const count = listCount(VERSIONS);
  if (count == 0) return load<i32>(HELLO, HELLO_LEGACY_VERSION_AT);
  let best = <i32>load<u16>(at);
  for (let i = 1; i < count; i++) {
    const version = <i32>load<u16>(at + (i << 1));
    best = proto() == PROTO_DTLS ? min(best, version) : max(best, version);
  }
  return best;
}
