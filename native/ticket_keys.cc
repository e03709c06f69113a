#include "ticket_keys.h"

#include "capture.h"
#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace sallyport {

namespace {

constexpr size_t kNameBytes = 16;
constexpr size_t kCipherBytes = 32;
constexpr size_t kMacBytes = 32;
constexpr size_t kKeyBytes = kNameBytes + kCipherBytes + kMacBytes;
constexpr size_t kMaxKeys = 8;
constexpr int kIvBytes = 16;
// What OpenSSL's callback answers.
constexpr int kError = -1;
constexpr int kUnknown = 0;
constexpr int kCurrent = 1;
constexpr int kRenew = 2;

// Name, AES-256 key, HMAC key.
using Key = std::array<uint8_t, kKeyBytes>;

// The keys of one context, the newest first. Owned by the SSL_CTX, wiped with it.
struct Keys {
  std::vector<Key> list;
  ~Keys() { Wipe(); }
  void Wipe() {
    for (Key& key : list) FindOpenSsl()->OPENSSL_cleanse_(key.data(), key.size());
    list.clear();
  }
};

void FreeKeys(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Keys*>(value); }

// Process-wide, as every ex-data index.
int Index() {
  static const int index =
      FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, nullptr, nullptr, FreeKeys);
  return index;
}

Keys* KeysOf(SSL_CTX* context) { return static_cast<Keys*>(FindOpenSsl()->SSL_CTX_get_ex_data_(context, Index())); }

// Fetched once: a fetch for each ticket would search the providers.
const EVP_CIPHER* Cipher() {
  static const EVP_CIPHER* cipher = FindOpenSsl()->EVP_CIPHER_fetch_(nullptr, "AES-256-CBC", nullptr);
  return cipher;
}

bool Start(const Key& key, uint8_t* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, bool encrypts) {
  const OpenSsl* ssl = FindOpenSsl();
  static char digest[] = "SHA256";
  auto* mac_key = const_cast<uint8_t*>(key.data() + kNameBytes + kCipherBytes);
  const OSSL_PARAM params[] = {ssl->OSSL_PARAM_construct_octet_string_(OSSL_MAC_PARAM_KEY, mac_key, kMacBytes),
                               ssl->OSSL_PARAM_construct_utf8_string_(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               ssl->OSSL_PARAM_construct_end_()};
  const auto initialize = encrypts ? ssl->EVP_EncryptInit_ex_ : ssl->EVP_DecryptInit_ex_;
  return initialize(cipher, Cipher(), nullptr, key.data() + kNameBytes, iv) == 1 &&
         ssl->EVP_MAC_CTX_set_params_(mac, params) == 1;
}

int OnTicket(SSL* connection, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
             int encrypts) {
  const OpenSsl* ssl = FindOpenSsl();
  const Keys* keys = KeysOf(ssl->SSL_get_SSL_CTX_(connection));
  if (keys == nullptr || keys->list.empty()) return kUnknown;
  if (encrypts != 0) {
    const Key& key = keys->list.front();
    memcpy(name, key.data(), kNameBytes);
    if (ssl->RAND_bytes_(iv, kIvBytes) != 1) return kError;
    return Start(key, iv, cipher, mac, true) ? kCurrent : kError;
  }
  for (const Key& key : keys->list) {
    if (memcmp(name, key.data(), kNameBytes) != 0) continue;
    if (!Start(key, iv, cipher, mac, false)) return kError;
    return &key == &keys->list.front() ? kCurrent : kRenew;
  }
  return kUnknown;
}

uint32_t HandleOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Uint32Value(); }

// (context, keys of 80 bytes one after the other, the newest first): they take the place of those it had.
Napi::Value SetTicketKeys(const Napi::CallbackInfo& info) {
  const auto result = [&info](bool done) { return Napi::Boolean::New(info.Env(), done); };
  SSL_CTX* context = CapturedContext(HandleOf(info));
  const auto bytes = info[1].As<Napi::Uint8Array>();
  const size_t count = bytes.ByteLength() / kKeyBytes;
  if (context == nullptr || count == 0 || count > kMaxKeys || bytes.ByteLength() % kKeyBytes != 0) {
    return result(false);
  }
  const OpenSsl* ssl = FindOpenSsl();
  Keys* keys = KeysOf(context);
  if (keys == nullptr) {
    auto made = std::make_unique<Keys>();
    if (ssl->SSL_CTX_set_ex_data_(context, Index(), made.get()) != 1) return result(false);
    keys = made.release();
    if (ssl->SSL_CTX_set_tlsext_ticket_key_evp_cb_(context, OnTicket) != 1) return result(false);
  }
  keys->Wipe();
  keys->list.resize(count);
  for (size_t i = 0; i < count; i++) memcpy(keys->list[i].data(), bytes.Data() + i * kKeyBytes, kKeyBytes);
  return result(true);
}

// (connection, text of at most 32 bytes): its sessions resume only where the same was said.
Napi::Value SetSessionContext(const Napi::CallbackInfo& info) {
  SSL* connection = CapturedSsl(HandleOf(info));
  const std::string text = info[1].As<Napi::String>().Utf8Value();
  const bool done = connection != nullptr && text.size() <= SSL_MAX_SID_CTX_LENGTH &&
                    FindOpenSsl()->SSL_set_session_id_context_(
                        connection, reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<unsigned int>(text.size())) == 1;
  return Napi::Boolean::New(info.Env(), done);
}

}  // namespace

void RegisterTicketKeys(Napi::Env env, Napi::Object exports) {
  exports.Set("setTicketKeys", Napi::Function::New<SetTicketKeys>(env));
  exports.Set("setSessionContext", Napi::Function::New<SetSessionContext>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterTicketKeys(Napi::Env, Napi::Object) {}

}  // namespace sallyport

#endif
