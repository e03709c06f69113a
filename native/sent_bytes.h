// Bytes of a handshake that were sent before its SSL object was made: OpenSSL makes them too, and they must
// not go out twice.
#pragma once

#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <cstdint>
#include <vector>

namespace sallyport {

// Swallows what `ssl` writes first as long as it is `sent`; anything else fails the connection. False when OpenSSL
// takes no such filter. Call it before the handshake begins.
bool SwallowSentBytes(SSL* ssl, std::vector<uint8_t> sent);

}  // namespace sallyport

#endif
