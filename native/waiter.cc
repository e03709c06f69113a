#include "waiter.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "socket.h"

namespace sallyport {

namespace {

// Bits of the status handed to JavaScript; src/edge/addon.ts names the same values.
constexpr int kReadable = 1;
constexpr int kHungUp = 2;

}  // namespace

void Waiter::Register(Napi::Env env, Napi::Object exports, PollSet* polls) {
  exports.Set("Waiter", DefineClass(env, "Waiter",
                                    {
                                        InstanceMethod<&Waiter::Wait>("wait"),
                                        InstanceMethod<&Waiter::Cancel>("cancel"),
                                        InstanceMethod<&Waiter::Close>("close"),
                                    },
                                    polls));
}

Waiter::Waiter(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Waiter>(info),
      polls_(static_cast<PollSet*>(info.Data())),
      callback_(Napi::Persistent(info[0].As<Napi::Function>())),
      context_(info.Env(), "sallyport.Waiter") {
  Ref();
}

Waiter::~Waiter() {
  for (auto& [fd, poll] : waiting_) {
    if (poll != nullptr) poll->Close();
  }
}

void Waiter::OnReady(void* owner, int fd, int status, int events) {
  auto* self = static_cast<Waiter*>(owner);
  int32_t bits = status < 0 ? status : 0;
  if (status >= 0 && (events & UV_READABLE)) bits |= kReadable;
  if (status >= 0 && (events & UV_DISCONNECT)) bits |= kHungUp;
  self->Forget(fd);
  const int32_t arguments[] = {fd, bits};
  CallFromLoop(&self->callback_, &self->context_, 2, arguments);
}

Napi::Value Waiter::Wait(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int bytes = info[1].As<Napi::Number>().Int32Value();
  int status = closed_ ? -ECANCELED : 0;
  // The bytes seen so far stay in the kernel's queue, so only a higher mark keeps the loop from spinning.
  if (status == 0 && bytes > 0) status = SetOption(fd, SOL_SOCKET, SO_RCVLOWAT, bytes);
  auto [place, is_new] = waiting_.try_emplace(fd, nullptr);
  if (!is_new && place->second != nullptr) return Napi::Number::New(info.Env(), -EEXIST);
  if (status == 0) status = polls_->Open(fd, false, this, OnReady, &place->second);
  if (status == 0) status = place->second->Start(bytes > 0 ? UV_READABLE | UV_DISCONNECT : UV_DISCONNECT);
  if (status < 0) Forget(fd);
  return Napi::Number::New(info.Env(), status);
}

Napi::Value Waiter::Cancel(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), Forget(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Value Waiter::Close(const Napi::CallbackInfo& info) {
  while (!waiting_.empty()) {
    const int fd = waiting_.begin()->first;
    if (Forget(fd)) close(fd);
  }
  if (!closed_) Unref();
  closed_ = true;
  return info.Env().Undefined();
}

bool Waiter::Forget(int fd) {
  const auto place = waiting_.find(fd);
  if (place == waiting_.end()) return false;
  Poll* poll = place->second;
  if (poll != nullptr) {
    poll->Close();
    SetOption(fd, SOL_SOCKET, SO_RCVLOWAT, 1);
  }
  waiting_.erase(place);
  return poll != nullptr;
}

}  // namespace sallyport
