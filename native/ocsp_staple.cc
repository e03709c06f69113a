#include "ocsp_staple.h"

#include "capture.h"
#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <cstdint>
#include <cstring>
#include <ctime>
#include <memory>
#include <utility>
#include <vector>

namespace sallyport {

namespace {

constexpr size_t kMostStaples = 8;

// The answer about one certificate.
struct Staple {
  X509* certificate = nullptr;
  std::vector<uint8_t> response;
  // Seconds since the epoch from which on it is not sent any more.
  int64_t until = 0;

  Staple() = default;
  Staple(Staple&& other) noexcept { *this = std::move(other); }
  Staple& operator=(Staple&& other) noexcept {
    std::swap(certificate, other.certificate);
    response = std::move(other.response);
    until = other.until;
    return *this;
  }
  ~Staple() {
    if (certificate != nullptr) FindOpenSsl()->X509_free_(certificate);
  }
};

// Owned by the SSL_CTX.
using Staples = std::vector<Staple>;

void FreeStaples(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Staples*>(value); }

// Process-wide, as every ex-data index.
int Index() {
  static const int index =
      FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr, nullptr, FreeStaples);
  return index;
}

Staples* StaplesOf(const SSL_CTX* context) {
  return static_cast<Staples*>(FindOpenSsl()->SSL_CTX_get_ex_data_(context, Index()));
}

// The client asks for the status of the certificate that was chosen for it (RFC 6066 section 8).
int OnStatusRequest(SSL* connection, void*) {
  const OpenSsl* ssl = FindOpenSsl();
  const Staples* staples = StaplesOf(ssl->SSL_get_SSL_CTX_(connection));
  const X509* certificate = ssl->SSL_get_certificate_(connection);
  if (staples == nullptr || certificate == nullptr) return SSL_TLSEXT_ERR_NOACK;
  for (const Staple& staple : *staples) {
    if (ssl->X509_cmp_(staple.certificate, certificate) != 0) continue;
    if (staple.until <= static_cast<int64_t>(time(nullptr))) return SSL_TLSEXT_ERR_NOACK;
    // OpenSSL frees it with the connection.
    void* copy = ssl->CRYPTO_malloc_(staple.response.size(), __FILE__, __LINE__);
    if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
    memcpy(copy, staple.response.data(), staple.response.size());
    ssl->SSL_ctrl_(connection, SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP, static_cast<long>(staple.response.size()),
                   copy);
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

uint32_t HandleOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Uint32Value(); }

// (context, certificates in DER, responses, seconds since the epoch until which each is sent): they take the place of
// those it had. False, and nothing changes, when one is no certificate or the context is gone.
Napi::Value SetStaples(const Napi::CallbackInfo& info) {
  const auto result = [&info](bool done) { return Napi::Boolean::New(info.Env(), done); };
  SSL_CTX* context = CapturedContext(HandleOf(info));
  const auto certificates = info[1].As<Napi::Array>();
  const auto responses = info[2].As<Napi::Array>();
  const auto untils = info[3].As<Napi::Array>();
  if (context == nullptr || certificates.Length() > kMostStaples) return result(false);
  const OpenSsl* ssl = FindOpenSsl();
  Staples made(certificates.Length());
  for (uint32_t i = 0; i < certificates.Length(); i++) {
    const auto der = certificates.Get(i).As<Napi::Uint8Array>();
    const auto response = responses.Get(i).As<Napi::Uint8Array>();
    const unsigned char* bytes = der.Data();
    made[i].certificate = ssl->d2i_X509_(nullptr, &bytes, static_cast<long>(der.ByteLength()));
    if (made[i].certificate == nullptr) {
      ssl->ERR_clear_error_();
      return result(false);
    }
    made[i].response.assign(response.Data(), response.Data() + response.ByteLength());
    made[i].until = untils.Get(i).As<Napi::Number>().Int64Value();
  }
  if (Staples* staples = StaplesOf(context)) {
    *staples = std::move(made);
    return result(true);
  }
  auto owned = std::make_unique<Staples>(std::move(made));
  if (ssl->SSL_CTX_set_ex_data_(context, Index(), owned.get()) != 1) return result(false);
  owned.release();
  return result(true);
}

// (connection): it gets the staples of its context. Node puts a callback of its own into the context with every
// connection that it makes, so ours takes its place with every one that is to have them.
Napi::Value StapleTo(const Napi::CallbackInfo& info) {
  SSL* connection = CapturedSsl(HandleOf(info));
  if (connection == nullptr) return Napi::Boolean::New(info.Env(), false);
  const OpenSsl* ssl = FindOpenSsl();
  const auto callback = reinterpret_cast<void (*)()>(OnStatusRequest);
  const long done = ssl->SSL_CTX_callback_ctrl_(ssl->SSL_get_SSL_CTX_(connection),
                                                SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, callback);
  return Napi::Boolean::New(info.Env(), done == 1);
}

}  // namespace

void RegisterOcspStaple(Napi::Env env, Napi::Object exports) {
  exports.Set("setStaples", Napi::Function::New<SetStaples>(env));
  exports.Set("staple", Napi::Function::New<StapleTo>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterOcspStaple(Napi::Env, Napi::Object) {}

}  // namespace sallyport

#endif
