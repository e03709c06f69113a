// Extensions of the server that TLS itself has no meaning for: fixed contents that a context sends in the
// messages of TLS 1.3 that RFC 8446 section 4.2 allows them in.
#pragma once

#include <napi.h>

#include "openssl.h"

namespace sallyport {

void RegisterCustomExtensions(Napi::Env env, Napi::Object exports);

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS
// What the client of a connection answered in its Certificate to those of the CertificateRequest: type, content, type…
Napi::Array AnswersOf(Napi::Env env, const SSL* connection);
#endif

}  // namespace sallyport
