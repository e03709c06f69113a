#include "thread.h"

#include <cerrno>

#ifdef __linux__
#include <sched.h>
#endif

namespace sallyport {

namespace {

// runInBackground(): from here on the kernel runs this thread only where no other one wants the processor. 0 or a
// negative errno.
Napi::Value RunInBackground(const Napi::CallbackInfo& info) {
#ifdef __linux__
  const sched_param none = {};
  const bool refused = sched_setscheduler(0, SCHED_IDLE, &none) != 0;
  return Napi::Number::New(info.Env(), refused ? -errno : 0);
#else
  return Napi::Number::New(info.Env(), -ENOSYS);
#endif
}

}  // namespace

void RegisterThread(Napi::Env env, Napi::Object exports) {
  exports.Set("runInBackground", Napi::Function::New(env, RunInBackground));
}

}  // namespace sallyport
