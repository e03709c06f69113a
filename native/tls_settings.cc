#include "tls_settings.h"

#include <string>

#include "capture.h"
#include "openssl.h"

namespace sallyport {

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

namespace {

enum SslField { kVersion, kCipher, kGroup, kResumed, kSignature, kSslFields };

// One interface over the two families of functions OpenSSL has for a context and for a connection.
struct ContextTarget {
  const OpenSsl* ssl;
  SSL_CTX* object;
  long Control(int command, long number, void* text) { return ssl->SSL_CTX_ctrl_(object, command, number, text); }
  int CipherList(const char* names) { return ssl->SSL_CTX_set_cipher_list_(object, names); }
  int CipherSuites(const char* names) { return ssl->SSL_CTX_set_ciphersuites_(object, names); }
  int Tickets(size_t count) { return ssl->SSL_CTX_set_num_tickets_(object, count); }
  void SetOptions(uint64_t bits) { ssl->SSL_CTX_set_options_(object, bits); }
  void ClearOptions(uint64_t bits) { ssl->SSL_CTX_clear_options_(object, bits); }
};

struct SslTarget {
  const OpenSsl* ssl;
  SSL* object;
  long Control(int command, long number, void* text) { return ssl->SSL_ctrl_(object, command, number, text); }
  int CipherList(const char* names) { return ssl->SSL_set_cipher_list_(object, names); }
  int CipherSuites(const char* names) { return ssl->SSL_set_ciphersuites_(object, names); }
  int Tickets(size_t count) { return ssl->SSL_set_num_tickets_(object, count); }
  void SetOptions(uint64_t bits) { ssl->SSL_set_options_(object, bits); }
  void ClearOptions(uint64_t bits) { ssl->SSL_clear_options_(object, bits); }
};

// Reads one optional setting; false when it is absent.
bool Read(const Napi::Object& from, const char* name, std::string* into) {
  const Napi::Value value = from.Get(name);
  if (!value.IsString()) return false;
  *into = value.As<Napi::String>().Utf8Value();
  return true;
}

bool Read(const Napi::Object& from, const char* name, int64_t* into) {
  const Napi::Value value = from.Get(name);
  if (!value.IsNumber()) return false;
  *into = value.As<Napi::Number>().Int64Value();
  return true;
}

// Returns the name of the setting OpenSSL refused, or null when it took all.
template <typename Target>
const char* Apply(Target target, const Napi::Object& settings) {
  std::string text;
  int64_t number;
  if (Read(settings, "minVersion", &number) &&
      target.Control(SSL_CTRL_SET_MIN_PROTO_VERSION, static_cast<long>(number), nullptr) != 1) {
    return "minVersion";
  }
  if (Read(settings, "maxVersion", &number) &&
      target.Control(SSL_CTRL_SET_MAX_PROTO_VERSION, static_cast<long>(number), nullptr) != 1) {
    return "maxVersion";
  }
  if (Read(settings, "cipherList", &text) && target.CipherList(text.c_str()) != 1) return "cipherList";
  if (Read(settings, "cipherSuites", &text) && target.CipherSuites(text.c_str()) != 1) return "cipherSuites";
  if (Read(settings, "groups", &text) && target.Control(SSL_CTRL_SET_GROUPS_LIST, 0, text.data()) != 1) {
    return "groups";
  }
  if (Read(settings, "sigalgs", &text) && target.Control(SSL_CTRL_SET_SIGALGS_LIST, 0, text.data()) != 1) {
    return "sigalgs";
  }
  if (Read(settings, "tickets", &number) &&
      (number < 0 || target.Tickets(static_cast<size_t>(number)) != 1)) {
    return "tickets";
  }
  if (Read(settings, "setOptions", &number)) target.SetOptions(static_cast<uint64_t>(number));
  if (Read(settings, "clearOptions", &number)) target.ClearOptions(static_cast<uint64_t>(number));
  return nullptr;
}

Napi::Value Answer(Napi::Env env, const char* refused) {
  return refused == nullptr ? env.Null() : Napi::Value(Napi::String::New(env, refused));
}

uint32_t HandleOf(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Uint32Value(); }

Napi::Value ConfigureContext(const Napi::CallbackInfo& info) {
  SSL_CTX* object = CapturedContext(HandleOf(info));
  if (object == nullptr) return Answer(info.Env(), "handle");
  return Answer(info.Env(), Apply(ContextTarget{FindOpenSsl(), object}, info[1].As<Napi::Object>()));
}

Napi::Value ConfigureSsl(const Napi::CallbackInfo& info) {
  SSL* object = CapturedSsl(HandleOf(info));
  if (object == nullptr) return Answer(info.Env(), "handle");
  return Answer(info.Env(), Apply(SslTarget{FindOpenSsl(), object}, info[1].As<Napi::Object>()));
}

// Fills `kSslFields` numbers; src/edge/tls-addon.ts names the same positions. False: the connection is gone.
Napi::Value SslInfo(const Napi::CallbackInfo& info) {
  SSL* object = CapturedSsl(HandleOf(info));
  auto into = info[1].As<Napi::Int32Array>();
  if (object == nullptr || into.ElementLength() < kSslFields) return Napi::Boolean::New(info.Env(), false);
  const OpenSsl* ssl = FindOpenSsl();
  const SSL_CIPHER* cipher = ssl->SSL_get_current_cipher_(object);
  int signature = 0;
  const bool is_signed = ssl->SSL_get_signature_type_nid_(object, &signature) == 1;
  into[kVersion] = ssl->SSL_version_(object);
  into[kCipher] = cipher == nullptr ? -1 : ssl->SSL_CIPHER_get_protocol_id_(cipher);
  into[kGroup] = static_cast<int32_t>(ssl->SSL_ctrl_(object, SSL_CTRL_GET_NEGOTIATED_GROUP, 0, nullptr));
  into[kResumed] = ssl->SSL_session_reused_(object);
  into[kSignature] = is_signed ? signature : 0;
  return Napi::Boolean::New(info.Env(), true);
}

Napi::Value GroupName(const Napi::CallbackInfo& info) {
  SSL* object = CapturedSsl(HandleOf(info));
  const OpenSsl* ssl = FindOpenSsl();
  const char* name =
      object == nullptr || ssl->SSL_get0_group_name_ == nullptr ? nullptr : ssl->SSL_get0_group_name_(object);
  return name == nullptr ? info.Env().Null() : Napi::Value(Napi::String::New(info.Env(), name));
}

}  // namespace

void RegisterTlsSettings(Napi::Env env, Napi::Object exports) {
  exports.Set("configureContext", Napi::Function::New<ConfigureContext>(env));
  exports.Set("configureSsl", Napi::Function::New<ConfigureSsl>(env));
  exports.Set("sslInfo", Napi::Function::New<SslInfo>(env));
  exports.Set("groupName", Napi::Function::New<GroupName>(env));
}

#else

void RegisterTlsSettings(Napi::Env, Napi::Object) {}

#endif

}  // namespace sallyport
