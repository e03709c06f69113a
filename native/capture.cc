#include "capture.h"

#ifdef SALLYPORT_HAS_OPENSSL_HEADERS

#include <dlfcn.h>

#include <atomic>
#include <unordered_map>

namespace sallyport {

namespace {

// What one thread has armed and captured of one class of objects. OpenSSL's callbacks run in the thread
// that makes or frees the object, which for Node's objects is the one their environment lives in.
struct Captures {
  bool armed = false;
  uint32_t latest = 0;
  std::unordered_map<uint32_t, void*> objects;
};

thread_local Captures contexts;
thread_local Captures connections;

// Handles are never used twice; 0 means none.
std::atomic<uint32_t> next_handle{1};

template <Captures* (*Of)()>
void OnNew(void* object, void*, CRYPTO_EX_DATA* data, int index, long, void*) {
  Captures* captures = Of();
  if (!captures->armed) return;
  captures->armed = false;
  const uint32_t handle = next_handle.fetch_add(1, std::memory_order_relaxed);
  if (!FindOpenSsl()->CRYPTO_set_ex_data_(data, index, reinterpret_cast<void*>(static_cast<uintptr_t>(handle)))) {
    return;
  }
  captures->objects.emplace(handle, object);
  captures->latest = handle;
}

template <Captures* (*Of)()>
void OnFree(void*, void* value, CRYPTO_EX_DATA*, int, long, void*) {
  if (value != nullptr) Of()->objects.erase(static_cast<uint32_t>(reinterpret_cast<uintptr_t>(value)));
}

Captures* Contexts() { return &contexts; }
Captures* Connections() { return &connections; }

// OpenSSL keeps the callbacks for the life of the process, so this library must never be unloaded.
bool StayLoaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&StayLoaded), &self) == 0) return false;
  return dlopen(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
}

// Where a connection keeps its handle; set once, before any thread can use it.
int connection_index = -1;

bool Install() {
  const OpenSsl* ssl = FindOpenSsl();
  if (ssl == nullptr || !StayLoaded()) return false;
  connection_index = ssl->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL, 0, nullptr, OnNew<Connections>, nullptr,
                                                   OnFree<Connections>);
  return connection_index >= 0 &&
         ssl->CRYPTO_get_ex_new_index_(CRYPTO_EX_INDEX_SSL_CTX, 0, nullptr, OnNew<Contexts>, nullptr,
                                       OnFree<Contexts>) >= 0;
}

// An ex-data index is process-wide: whichever thread comes first registers it for all.
bool IsInstalled() {
  static const bool installed = Install();
  return installed;
}

template <Captures* (*Of)()>
Napi::Value Arm(const Napi::CallbackInfo& info) {
  Of()->armed = true;
  Of()->latest = 0;
  return info.Env().Undefined();
}

template <Captures* (*Of)()>
Napi::Value Take(const Napi::CallbackInfo& info) {
  Of()->armed = false;
  return Napi::Number::New(info.Env(), Of()->latest);
}

template <typename Object>
Object* Lookup(const Captures& captures, uint32_t handle) {
  const auto found = captures.objects.find(handle);
  return found == captures.objects.end() ? nullptr : static_cast<Object*>(found->second);
}

}  // namespace

SSL_CTX* CapturedContext(uint32_t handle) { return Lookup<SSL_CTX>(contexts, handle); }

SSL* CapturedSsl(uint32_t handle) { return Lookup<SSL>(connections, handle); }

uint32_t HandleOf(const SSL* connection) {
  return static_cast<uint32_t>(
      reinterpret_cast<uintptr_t>(FindOpenSsl()->SSL_get_ex_data_(connection, connection_index)));
}

void RegisterCapture(Napi::Env env, Napi::Object exports) {
  exports.Set("capturesTls", Napi::Boolean::New(env, IsInstalled()));
  exports.Set("armContext", Napi::Function::New<Arm<Contexts>>(env));
  exports.Set("takeContext", Napi::Function::New<Take<Contexts>>(env));
  exports.Set("armSsl", Napi::Function::New<Arm<Connections>>(env));
  exports.Set("takeSsl", Napi::Function::New<Take<Connections>>(env));
}

}  // namespace sallyport

#else

namespace sallyport {

void RegisterCapture(Napi::Env env, Napi::Object exports) {
  exports.Set("capturesTls", Napi::Boolean::New(env, false));
}

}  // namespace sallyport

#endif
