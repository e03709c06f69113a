#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <dlfcn.h>

namespace sallyport {

namespace {

template <typename Function>
bool Find(const char* name, Function* into) {
  *into = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return *into != nullptr;
}

bool FindAll(OpenSsl* into) {
#define SALLYPORT_FIND(name) \
  if (!Find(#name, &into->name##_)) return false;
  SALLYPORT_OPENSSL_FUNCTIONS(SALLYPORT_FIND)
#undef SALLYPORT_FIND
  Find("SSL_get0_group_name", &into->SSL_get0_group_name_);
  return into->OpenSSL_version_num_() >> 28 == OPENSSL_VERSION_MAJOR;
}

}  // namespace

const OpenSsl* FindOpenSsl() {
  static OpenSsl found{};
  static const bool complete = FindAll(&found);
  return complete ? &found : nullptr;
}

}  // namespace sallyport

#endif
