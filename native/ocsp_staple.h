// OCSP answers about a context's own certificates, which clients that ask get with the certificate.
#pragma once

#include <napi.h>

namespace sallyport {

void RegisterOcspStaple(Napi::Env env, Napi::Object exports);

}  // namespace sallyport
