// Watchers on file descriptors in the event loop of the calling environment (main thread or worker).
#pragma once

#include <napi.h>
#include <uv.h>

namespace sallyport {

class PollSet;

// One watcher. Made by PollSet::Open, freed by Close (never by delete): libuv keeps the handle until its
// close callback has run.
class Poll {
 public:
  using Ready = void (*)(void* owner, int fd, int status, int events);

  // Begins (or changes) watching for uv_poll_event `events`.
  int Start(int events);
  int Stop();
  // Ends the watcher, and closes the fd if it owns it. `Ready` is not called again, and the owner's pointer to
  // it becomes null.
  void Close();
  int fd() const { return fd_; }

 private:
  friend class PollSet;
  Poll(PollSet* set, int fd, bool owns_fd, void* owner, Ready ready, Poll** held)
      : set_(set), fd_(fd), owns_fd_(owns_fd), owner_(owner), ready_(ready), held_(held) {}

  static void OnReady(uv_poll_t* handle, int status, int events);
  static void OnClosed(uv_handle_t* handle);

  uv_poll_t handle_{};
  PollSet* set_;
  int fd_;
  bool owns_fd_;
  void* owner_;
  Ready ready_;
  Poll** held_;
  Poll* next_ = nullptr;
  Poll* previous_ = nullptr;
};

// All watchers of one environment. When the environment ends, each is closed and the environment waits for it:
// a worker's loop must hold no open handle when Node closes it.
class PollSet {
 public:
  // Made once per environment; frees itself when the environment has ended.
  static PollSet* Create(Napi::Env env);

  // Watches nothing until Start. `held` must stay where it is until the watcher ends. Returns 0 or a negative
  // errno, and then leaves the fd alone.
  int Open(int fd, bool owns_fd, void* owner, Poll::Ready ready, Poll** held);

 private:
  friend class Poll;
  explicit PollSet(uv_loop_t* loop) : loop_(loop) {}

  static void OnEnvironmentEnd(napi_async_cleanup_hook_handle hook, void* data);
  void Unlink(Poll* poll);
  void FinishIfIdle();

  uv_loop_t* loop_;
  Poll* open_ = nullptr;
  size_t closing_ = 0;
  napi_async_cleanup_hook_handle hook_ = nullptr;
  bool ended_ = false;
};

// False once the thread's JavaScript has been stopped for good.
bool CanCallJavaScript(napi_env env);

// Calls a JavaScript function from a libuv callback, then runs its microtasks; an exception becomes an
// `uncaughtException`. False when JavaScript can no longer run in this environment.
bool CallFromLoop(Napi::FunctionReference* callback, Napi::AsyncContext* context, size_t argc,
                  const int32_t* argv);

}  // namespace sallyport
