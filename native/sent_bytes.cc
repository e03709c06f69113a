#include "sent_bytes.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <algorithm>
#include <cstring>
#include <utility>

namespace sallyport {

namespace {

// What is left to swallow, in a filter before the BIO that the connection writes to.
struct Sent {
  std::vector<uint8_t> bytes;
  size_t done = 0;
};

int OnWrite(BIO* bio, const char* data, int length) {
  const OpenSsl* ssl = FindOpenSsl();
  auto* sent = static_cast<Sent*>(ssl->BIO_get_data_(bio));
  const int swallowed = static_cast<int>(std::min<size_t>(static_cast<size_t>(length), sent->bytes.size() - sent->done));
  if (memcmp(sent->bytes.data() + sent->done, data, static_cast<size_t>(swallowed)) != 0) return -1;
  sent->done += static_cast<size_t>(swallowed);
  if (swallowed == length) return length;
  const int written = ssl->BIO_write_(ssl->BIO_next_(bio), data + swallowed, length - swallowed);
  return written < 0 ? written : swallowed + written;
}

long OnControl(BIO* bio, int command, long number, void* pointer) {
  const OpenSsl* ssl = FindOpenSsl();
  return ssl->BIO_ctrl_(ssl->BIO_next_(bio), command, number, pointer);
}

int OnDestroy(BIO* bio) {
  delete static_cast<Sent*>(FindOpenSsl()->BIO_get_data_(bio));
  return 1;
}

BIO_METHOD* MakeMethod() {
  const OpenSsl* ssl = FindOpenSsl();
  BIO_METHOD* method = ssl->BIO_meth_new_(ssl->BIO_get_new_index_() | BIO_TYPE_FILTER, "sallyport sent bytes");
  if (method == nullptr) return nullptr;
  const bool made = ssl->BIO_meth_set_write_(method, OnWrite) == 1 && ssl->BIO_meth_set_ctrl_(method, OnControl) == 1 &&
                    ssl->BIO_meth_set_destroy_(method, OnDestroy) == 1;
  return made ? method : nullptr;
}

}  // namespace

bool SwallowSentBytes(SSL* ssl, std::vector<uint8_t> sent) {
  static BIO_METHOD* const method = MakeMethod();
  const OpenSsl* openssl = FindOpenSsl();
  BIO* output = openssl->SSL_get_wbio_(ssl);
  BIO* filter = method == nullptr || output == nullptr ? nullptr : openssl->BIO_new_(method);
  if (filter == nullptr) return false;
  openssl->BIO_set_data_(filter, new Sent{std::move(sent), 0});
  openssl->BIO_set_init_(filter, 1);
  // The SSL lets go of the BIO it had, which lives on below the filter.
  openssl->BIO_up_ref_(output);
  openssl->SSL_set0_wbio_(ssl, openssl->BIO_push_(filter, output));
  return true;
}

}  // namespace sallyport

#endif
