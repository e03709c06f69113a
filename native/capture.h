// Finds the SSL_CTX and SSL objects behind Node's SecureContext and TLSSocket: both are made within one
// synchronous JavaScript call, so the object made between arm and take is the one meant.
#pragma once

#include <napi.h>

#include <cstdint>

#include "openssl.h"

namespace sallyport {

void RegisterCapture(Napi::Env env, Napi::Object exports);

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS
// The object a handle stands for; null once OpenSSL has freed it, and in every other thread.
SSL_CTX* CapturedContext(uint32_t handle);
SSL* CapturedSsl(uint32_t handle);
// The handle of a captured connection, 0 for one that was not.
uint32_t HandleOf(const SSL* connection);
#endif

}  // namespace sallyport
