// Waits for bytes or for the hangup of connections that no Node handle owns yet. The descriptors stay the
// caller's: they outlive the environment, whose end only stops the waits.
#pragma once

#include <napi.h>

#include <unordered_map>

#include "poll.h"

namespace sallyport {

class Waiter : public Napi::ObjectWrap<Waiter> {
 public:
  static void Register(Napi::Env env, Napi::Object exports, PollSet* polls);
  explicit Waiter(const Napi::CallbackInfo& info);
  ~Waiter() override;

 private:
  static void OnReady(void* self, int fd, int status, int events);

  Napi::Value Wait(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  // Ends the watch of `fd` and leaves the fd open; false when there is none.
  bool Forget(int fd);

  PollSet* polls_;
  bool closed_ = false;
  Napi::FunctionReference callback_;
  Napi::AsyncContext context_;
  // A Poll clears its place here when it ends by itself; std::unordered_map keeps places where they are.
  std::unordered_map<int, Poll*> waiting_;
};

}  // namespace sallyport
