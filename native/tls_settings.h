// Settings of captured TLS objects that Node offers no way to change, and what OpenSSL negotiated.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterTlsSettings(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
