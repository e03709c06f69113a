#include "poll.h"

#include <unistd.h>

#include <cerrno>
#include <new>

namespace sallyport {

int Poll::Start(int events) { return uv_poll_start(&handle_, events, OnReady); }

int Poll::Stop() { return uv_poll_stop(&handle_); }

void Poll::Close() {
  owner_ = nullptr;
  *held_ = nullptr;
  set_->Unlink(this);
  set_->closing_++;
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), OnClosed);
  // uv_close has already taken the fd out of epoll, so it may be closed at once.
  if (owns_fd_) close(fd_);
}

void Poll::OnReady(uv_poll_t* handle, int status, int events) {
  auto* self = static_cast<Poll*>(handle->data);
  if (self->owner_ != nullptr) self->ready_(self->owner_, self->fd_, status, events);
}

void Poll::OnClosed(uv_handle_t* handle) {
  auto* self = static_cast<Poll*>(handle->data);
  PollSet* set = self->set_;
  delete self;
  set->closing_--;
  set->FinishIfIdle();
}

PollSet* PollSet::Create(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return nullptr;
  auto* set = new (std::nothrow) PollSet(loop);
  if (set == nullptr) return nullptr;
  if (napi_add_async_cleanup_hook(env, OnEnvironmentEnd, set, &set->hook_) != napi_ok) {
    delete set;
    return nullptr;
  }
  return set;
}

int PollSet::Open(int fd, bool owns_fd, void* owner, Poll::Ready ready, Poll** held) {
  if (ended_) return -ECANCELED;
  auto* poll = new (std::nothrow) Poll(this, fd, owns_fd, owner, ready, held);
  if (poll == nullptr) return -ENOMEM;
  const int status = uv_poll_init(loop_, &poll->handle_, fd);
  if (status < 0) {
    delete poll;
    return status;
  }
  poll->handle_.data = poll;
  poll->next_ = open_;
  if (open_ != nullptr) open_->previous_ = poll;
  open_ = poll;
  *held = poll;
  return 0;
}

void PollSet::OnEnvironmentEnd(napi_async_cleanup_hook_handle, void* data) {
  auto* self = static_cast<PollSet*>(data);
  self->ended_ = true;
  while (self->open_ != nullptr) self->open_->Close();
  self->FinishIfIdle();
}

void PollSet::Unlink(Poll* poll) {
  if (poll->previous_ != nullptr) poll->previous_->next_ = poll->next_;
  if (poll->next_ != nullptr) poll->next_->previous_ = poll->previous_;
  if (open_ == poll) open_ = poll->next_;
}

void PollSet::FinishIfIdle() {
  if (!ended_ || closing_ > 0) return;
  napi_remove_async_cleanup_hook(hook_);
  delete this;
}

bool CanCallJavaScript(napi_env env) {
  Napi::HandleScope scope(env);
  napi_value value;
  // Coercing is the cheapest call that Node-API refuses once the thread's JavaScript has been stopped.
  return napi_get_boolean(env, true, &value) == napi_ok && napi_coerce_to_bool(env, value, &value) == napi_ok;
}

bool CallFromLoop(Napi::FunctionReference* callback, Napi::AsyncContext* context, size_t argc,
                  const int32_t* argv) {
  constexpr size_t kMaxArguments = 3;
  napi_env env = callback->Env();
  Napi::HandleScope scope(env);
  napi_value arguments[kMaxArguments];
  for (size_t i = 0; i < argc && i < kMaxArguments; i++) {
    if (napi_create_int32(env, argv[i], &arguments[i]) != napi_ok) return false;
  }
  napi_value receiver;
  napi_value result;
  if (napi_get_global(env, &receiver) != napi_ok) return false;
  const napi_status status =
      napi_make_callback(env, *context, receiver, callback->Value(), argc, arguments, &result);
  if (status == napi_ok) return true;
  if (status != napi_pending_exception) return false;
  napi_value error;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
  return true;
}

}  // namespace sallyport
