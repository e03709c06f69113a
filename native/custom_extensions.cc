#include "custom_extensions.h"

#include "capture.h"
#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace sallyport {

namespace {

using Bytes = std::vector<uint8_t>;

constexpr int kSend = 1;
constexpr int kSkip = 0;

// One type of a context, and what it carries in each message, by OpenSSL's bit of the message.
struct Extension {
  std::vector<std::pair<unsigned, Bytes>> contents;
};

// Owned by the SSL_CTX.
using Extensions = std::vector<std::unique_ptr<Extension>>;

void FreeExtensions(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Extensions*>(value);
}

// Process-wide, as every ex-data index.
int Index() {
  static const int index = FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr,
                                                                   nullptr, FreeExtensions);
  return index;
}

Extensions* ExtensionsOf(SSL_CTX* context) {
  const OpenSsl* ssl = FindOpenSsl();
  auto* found = static_cast<Extensions*>(ssl->SSL_CTX_get_ex_data_(context, Index()));
  if (found != nullptr) return found;
  auto made = std::make_unique<Extensions>();
  if (ssl->SSL_CTX_set_ex_data_(context, Index(), made.get()) != 1) return nullptr;
  return made.release();
}

// OpenSSL asks what to send in a message. It does not ask about an answer to a client that did not offer the type.
int OnAdd(SSL*, unsigned, unsigned message, const unsigned char** out, size_t* length, X509*, size_t chain_index,
          int*, void* argument) {
  // Each certificate of the chain has a list of its own; what belongs to the server goes with its leaf.
  if ((message & SSL_EXT_TLS1_3_CERTIFICATE) != 0 && chain_index != 0) return kSkip;
  for (const auto& [bit, content] : static_cast<Extension*>(argument)->contents) {
    if ((message & bit) == 0) continue;
    *out = content.data();
    *length = content.size();
    return kSend;
  }
  return kSkip;
}

// What came in a connection's Certificate, by type. Owned by the SSL.
using Answers = std::vector<std::pair<unsigned, Bytes>>;

void FreeAnswers(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Answers*>(value); }

int AnswersIndex() {
  static const int index =
      FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL, 0, nullptr, nullptr, nullptr, FreeAnswers);
  return index;
}

// OpenSSL has met a type in a message. Their size is bounded by that of the Certificate message.
int OnParse(SSL* connection, unsigned type, unsigned message, const unsigned char* in, size_t length, X509*,
            size_t chain_index, int* alert, void*) {
  if ((message & SSL_EXT_TLS1_3_CERTIFICATE) == 0 || chain_index != 0) return kSend;
  const OpenSsl* ssl = FindOpenSsl();
  auto* answers = static_cast<Answers*>(ssl->SSL_get_ex_data_(connection, AnswersIndex()));
  if (answers == nullptr) {
    auto made = std::make_unique<Answers>();
    if (ssl->SSL_set_ex_data_(connection, AnswersIndex(), made.get()) != 1) {
      *alert = SSL_AD_INTERNAL_ERROR;
      return kSkip;
    }
    answers = made.release();
  }
  answers->emplace_back(type, Bytes(in, in + length));
  return kSend;
}

// (context, type, messages, contents): false when OpenSSL takes no extension of this type.
Napi::Value AddExtension(const Napi::CallbackInfo& info) {
  const auto result = [&info](bool done) { return Napi::Boolean::New(info.Env(), done); };
  SSL_CTX* context = CapturedContext(info[0].As<Napi::Number>().Uint32Value());
  Extensions* extensions = context == nullptr ? nullptr : ExtensionsOf(context);
  if (extensions == nullptr) return result(false);
  auto extension = std::make_unique<Extension>();
  const auto messages = info[2].As<Napi::Array>();
  const auto contents = info[3].As<Napi::Array>();
  unsigned bits = SSL_EXT_TLS_ONLY | SSL_EXT_CLIENT_HELLO;
  for (uint32_t i = 0; i < messages.Length(); i++) {
    const auto bit = messages.Get(i).As<Napi::Number>().Uint32Value();
    const auto bytes = contents.Get(i).As<Napi::Uint8Array>();
    extension->contents.emplace_back(bit, Bytes(bytes.Data(), bytes.Data() + bytes.ByteLength()));
    bits |= bit;
  }
  // The client may answer a CertificateRequest in its Certificate.
  if ((bits & SSL_EXT_TLS1_3_CERTIFICATE_REQUEST) != 0) bits |= SSL_EXT_TLS1_3_CERTIFICATE;
  const auto type = info[1].As<Napi::Number>().Uint32Value();
  if (FindOpenSsl()->SSL_CTX_add_custom_ext_(context, type, bits, OnAdd, nullptr, extension.get(), OnParse,
                                             nullptr) != 1) {
    return result(false);
  }
  extensions->push_back(std::move(extension));
  return result(true);
}

}  // namespace

Napi::Array AnswersOf(Napi::Env env, const SSL* connection) {
  auto result = Napi::Array::New(env);
  const auto* answers = static_cast<Answers*>(FindOpenSsl()->SSL_get_ex_data_(connection, AnswersIndex()));
  if (answers == nullptr) return result;
  uint32_t at = 0;
  for (const auto& [type, content] : *answers) {
    result.Set(at++, Napi::Number::New(env, type));
    result.Set(at++, Napi::Buffer<uint8_t>::Copy(env, content.data(), content.size()));
  }
  return result;
}

void RegisterCustomExtensions(Napi::Env env, Napi::Object exports) {
  exports.Set("addExtension", Napi::Function::New<AddExtension>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterCustomExtensions(Napi::Env, Napi::Object) {}

}  // namespace sallyport

#endif
