// Client certificates: OpenSSL builds and verifies the chain within limits, JavaScript judges it while the
// handshake waits, and a refusal goes out as the alert that was asked for.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterClientCertificate(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
