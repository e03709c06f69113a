// Extensions of the server that TLS itself has no meaning for: fixed contents that a context sends in the
// messages of TLS 1.3 that RFC 8446 section 4.2 allows them in.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterCustomExtensions(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
