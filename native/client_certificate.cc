#include "client_certificate.h"

#include "capture.h"
#include "custom_extensions.h"
#include "openssl.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <openssl/x509_vfy.h>

#include <memory>
#include <vector>

namespace sallyport {

namespace {

// What a client may make us verify: certificates it sends, and bits of any key in them.
constexpr int kMostCertificates = 8;
constexpr int kMostKeyBits = 8192;
constexpr int kAccepted = 0;
// Of our own: above every error that OpenSSL has.
constexpr int kKeyTooLarge = 1000;

// Judges a client's certificate: (handle, error, chain, answers) => alert, or 0. One for each thread.
struct Judge {
  napi_env env = nullptr;
  Napi::FunctionReference callback;
};

thread_local std::unique_ptr<Judge> judge;

// The verification errors that OpenSSL answers with these alerts; it has none for the others.
int ErrorFor(int alert) {
  switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE: return X509_V_ERR_APPLICATION_VERIFICATION;
    case SSL_AD_BAD_CERTIFICATE: return X509_V_ERR_CERT_REJECTED;
    case SSL_AD_UNSUPPORTED_CERTIFICATE: return X509_V_ERR_INVALID_PURPOSE;
    case SSL_AD_CERTIFICATE_REVOKED: return X509_V_ERR_CERT_REVOKED;
    case SSL_AD_CERTIFICATE_EXPIRED: return X509_V_ERR_CERT_HAS_EXPIRED;
    case SSL_AD_UNKNOWN_CA: return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case SSL_AD_DECRYPT_ERROR: return X509_V_ERR_CERT_SIGNATURE_FAILURE;
    case SSL_AD_INTERNAL_ERROR: return X509_V_ERR_UNSPECIFIED;
    default: return X509_V_OK;
  }
}

// The alert that waits to be sent over a connection, kept as the pointer itself. Process-wide, as every index.
int AlertIndex() {
  static const int index =
      FindOpenSsl()->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL, 0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void KeepAlert(SSL* ssl, int alert) {
  FindOpenSsl()->SSL_set_ex_data_(ssl, AlertIndex(), reinterpret_cast<void*>(static_cast<intptr_t>(alert)));
}

// OpenSSL asks what a NewSessionTicket is to carry: nothing, but it is where any alert can be made to go out.
int OnTicket(SSL* ssl, unsigned, unsigned, const unsigned char**, size_t*, X509*, size_t, int* alert, void*) {
  const auto kept = reinterpret_cast<intptr_t>(FindOpenSsl()->SSL_get_ex_data_(ssl, AlertIndex()));
  if (kept == 0) return 0;
  *alert = static_cast<int>(kept);
  return -1;
}

// Verification stops at the first error, whatever Node's own callback says.
int StopAtError(int ok, X509_STORE_CTX*) { return ok; }

bool IsLarge(X509* certificate) {
  EVP_PKEY* key = FindOpenSsl()->X509_get0_pubkey_(certificate);
  return key != nullptr && FindOpenSsl()->EVP_PKEY_get_bits_(key) > kMostKeyBits;
}

// Builds and verifies the chain: 0, or the error. What costs too much is refused unverified.
int Verify(X509_STORE_CTX* context) {
  const OpenSsl* ssl = FindOpenSsl();
  const auto* others = reinterpret_cast<const OPENSSL_STACK*>(ssl->X509_STORE_CTX_get0_untrusted_(context));
  const int count = others == nullptr ? 0 : ssl->OPENSSL_sk_num_(others);
  if (count > kMostCertificates) return X509_V_ERR_CERT_CHAIN_TOO_LONG;
  for (int i = 0; i < count; i++) {
    if (IsLarge(static_cast<X509*>(ssl->OPENSSL_sk_value_(others, i)))) return kKeyTooLarge;
  }
  if (IsLarge(ssl->X509_STORE_CTX_get0_cert_(context))) return kKeyTooLarge;
  ssl->X509_STORE_CTX_set_verify_cb_(context, StopAtError);
  if (ssl->X509_verify_cert_(context) > 0) return X509_V_OK;
  const int error = ssl->X509_STORE_CTX_get_error_(context);
  return error == X509_V_OK ? X509_V_ERR_UNSPECIFIED : error;
}

Napi::Value ToDer(Napi::Env env, X509* certificate) {
  const OpenSsl* ssl = FindOpenSsl();
  const int length = ssl->i2d_X509_(certificate, nullptr);
  if (length <= 0) return Napi::Buffer<uint8_t>::New(env, 0);
  auto buffer = Napi::Buffer<uint8_t>::New(env, static_cast<size_t>(length));
  unsigned char* into = buffer.Data();
  ssl->i2d_X509_(certificate, &into);
  return buffer;
}

// The chain as it was verified, leaf first; the leaf alone when it was not.
Napi::Array Chain(Napi::Env env, X509_STORE_CTX* context, int error) {
  const OpenSsl* ssl = FindOpenSsl();
  auto chain = Napi::Array::New(env);
  const auto* verified = reinterpret_cast<const OPENSSL_STACK*>(ssl->X509_STORE_CTX_get0_chain_(context));
  if (error != X509_V_OK || verified == nullptr) {
    chain.Set(0u, ToDer(env, ssl->X509_STORE_CTX_get0_cert_(context)));
    return chain;
  }
  const int count = ssl->OPENSSL_sk_num_(verified);
  for (int i = 0; i < count; i++) {
    chain.Set(static_cast<uint32_t>(i), ToDer(env, static_cast<X509*>(ssl->OPENSSL_sk_value_(verified, i))));
  }
  return chain;
}

// Any failure of JavaScript refuses the client.
int AskJudge(const SSL* connection, X509_STORE_CTX* context, int error) {
  if (judge == nullptr || judge->callback.IsEmpty()) return SSL_AD_INTERNAL_ERROR;
  const Napi::Env env(judge->env);
  const Napi::HandleScope scope(env);
  const Napi::Value answer = judge->callback.Call(
      {Napi::Number::New(env, HandleOf(connection)), Napi::Number::New(env, error), Chain(env, context, error),
       AnswersOf(env, connection)});
  if (!env.IsExceptionPending() && answer.IsNumber()) return answer.As<Napi::Number>().Int32Value();
  if (env.IsExceptionPending()) env.GetAndClearPendingException();
  return SSL_AD_INTERNAL_ERROR;
}

int Refuse(SSL* connection, X509_STORE_CTX* context, int reason, int alert) {
  const OpenSsl* ssl = FindOpenSsl();
  const int error = ErrorFor(alert);
  if (reason != kKeyTooLarge && ssl->SSL_version_(connection) == TLS1_3_VERSION) {
    // The client is done with its part, and may send at once. JavaScript ends the connection after the handshake: it
    // can send any alert then, and let the client read it where a reset would overtake it.
    ssl->SSL_set_num_tickets_(connection, 0);
    ssl->X509_STORE_CTX_set_error_(context, X509_V_OK);
    return 1;
  }
  if (error == X509_V_OK) {
    // Up to here TLS 1.2 encrypts nothing that the server sends. OpenSSL's own alert follows, to a client that
    // has stopped at this one.
    const unsigned char record[] = {SSL3_RT_ALERT, 3, 3, 0, 2, SSL3_AL_FATAL, static_cast<unsigned char>(alert)};
    ssl->BIO_write_(ssl->SSL_get_wbio_(connection), record, sizeof record);
  }
  ssl->X509_STORE_CTX_set_error_(context, error == X509_V_OK ? X509_V_ERR_APPLICATION_VERIFICATION : error);
  return 0;
}

// OpenSSL has read a client's certificates: 1 goes on with the handshake, 0 ends it.
int OnCertificates(X509_STORE_CTX* context, void*) {
  const OpenSsl* ssl = FindOpenSsl();
  auto* connection = static_cast<SSL*>(
      ssl->X509_STORE_CTX_get_ex_data_(context, ssl->SSL_get_ex_data_X509_STORE_CTX_idx_()));
  const int error = Verify(context);
  const int alert = AskJudge(connection, context, error);
  if (alert != kAccepted) return Refuse(connection, context, error, alert);
  ssl->X509_STORE_CTX_set_error_(context, X509_V_OK);
  return 1;
}

uint32_t HandleOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Uint32Value(); }

// (context, most bytes of a Certificate message, most certificates between leaf and root, type that no
// extension uses, whether to name the authorities): false when OpenSSL refuses one of them.
Napi::Value JudgeCertificates(const Napi::CallbackInfo& info) {
  SSL_CTX* context = CapturedContext(HandleOf(info));
  if (context == nullptr) return Napi::Boolean::New(info.Env(), false);
  const OpenSsl* ssl = FindOpenSsl();
  ssl->SSL_CTX_ctrl_(context, SSL_CTRL_SET_MAX_CERT_LIST, info[1].As<Napi::Number>().Int32Value(), nullptr);
  ssl->SSL_CTX_set_verify_depth_(context, info[2].As<Napi::Number>().Int32Value());
  ssl->SSL_CTX_set_cert_verify_callback_(context, OnCertificates, nullptr);
  if (!info[4].As<Napi::Boolean>().Value()) {
    ssl->SSL_CTX_set_client_CA_list_(context, reinterpret_cast<STACK_OF(X509_NAME)*>(ssl->OPENSSL_sk_new_null_()));
  }
  const bool taken =
      ssl->SSL_CTX_add_custom_ext_(context, info[3].As<Napi::Number>().Uint32Value(),
                                   SSL_EXT_TLS1_3_NEW_SESSION_TICKET | SSL_EXT_TLS1_3_ONLY | SSL_EXT_TLS_ONLY,
                                   OnTicket, nullptr, nullptr, nullptr, nullptr) == 1;
  return Napi::Boolean::New(info.Env(), taken);
}

// The certificate of a resumed session, verified again: { error, chain }, or null when the client showed none.
// A session keeps no other certificate than the client's own.
Napi::Value VerifyAgain(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  SSL* connection = CapturedSsl(HandleOf(info));
  const OpenSsl* ssl = FindOpenSsl();
  X509* certificate = connection == nullptr ? nullptr : ssl->SSL_get0_peer_certificate_(connection);
  if (certificate == nullptr) return env.Null();
  X509_STORE_CTX* context = ssl->X509_STORE_CTX_new_();
  X509_STORE* store = ssl->SSL_CTX_get_cert_store_(ssl->SSL_get_SSL_CTX_(connection));
  int error = X509_V_ERR_UNSPECIFIED;
  auto result = Napi::Object::New(env);
  if (context != nullptr && ssl->X509_STORE_CTX_init_(context, store, certificate, nullptr) == 1) {
    ssl->X509_STORE_CTX_set_default_(context, "ssl_client");
    ssl->X509_VERIFY_PARAM_set1_(ssl->X509_STORE_CTX_get0_param_(context), ssl->SSL_get0_param_(connection));
    error = Verify(context);
    result.Set("chain", Chain(env, context, error));
  } else {
    result.Set("chain", Napi::Array::New(env));
  }
  result.Set("error", Napi::Number::New(env, error));
  if (context != nullptr) ssl->X509_STORE_CTX_free_(context);
  ssl->ERR_clear_error_();
  return result;
}

Napi::Value VerifyErrorText(const Napi::CallbackInfo& info) {
  const int error = info[0].As<Napi::Number>().Int32Value();
  if (error == kKeyTooLarge) return Napi::String::New(info.Env(), "key too large");
  return Napi::String::New(info.Env(), FindOpenSsl()->X509_verify_cert_error_string_(error));
}

Napi::Value SetCertificateJudge(const Napi::CallbackInfo& info) {
  judge = std::make_unique<Judge>();
  judge->env = info.Env();
  judge->callback = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

// (connection, alert): ends a connection of TLS 1.3 whose handshake is done; false where that cannot be.
Napi::Value SendAlert(const Napi::CallbackInfo& info) {
  SSL* connection = CapturedSsl(HandleOf(info));
  const OpenSsl* ssl = FindOpenSsl();
  if (connection == nullptr || ssl->SSL_version_(connection) != TLS1_3_VERSION) {
    return Napi::Boolean::New(info.Env(), false);
  }
  KeepAlert(connection, info[1].As<Napi::Number>().Int32Value());
  if (ssl->SSL_new_session_ticket_(connection) != 1) return Napi::Boolean::New(info.Env(), false);
  ssl->SSL_do_handshake_(connection);
  ssl->ERR_clear_error_();
  return Napi::Boolean::New(info.Env(), true);
}

// The function must be let go while its environment is there.
void OnEnvironmentEnd(void*) { judge.reset(); }

}  // namespace

void RegisterClientCertificate(Napi::Env env, Napi::Object exports) {
  if (FindOpenSsl() == nullptr) return;
  napi_add_env_cleanup_hook(env, OnEnvironmentEnd, nullptr);
  exports.Set("judgeCertificates", Napi::Function::New<JudgeCertificates>(env));
  exports.Set("setCertificateJudge", Napi::Function::New<SetCertificateJudge>(env));
  exports.Set("verifyAgain", Napi::Function::New<VerifyAgain>(env));
  exports.Set("verifyErrorText", Napi::Function::New<VerifyErrorText>(env));
  exports.Set("sendAlert", Napi::Function::New<SendAlert>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterClientCertificate(Napi::Env, Napi::Object) {}

}  // namespace sallyport

#endif
