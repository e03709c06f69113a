// Accepts connections in batches and looks at each before JavaScript hears of it: one call per batch.
#pragma once

#include <napi.h>

#include "poll.h"
#include "socket.h"

namespace sallyport {

class Acceptor : public Napi::ObjectWrap<Acceptor> {
 public:
  static void Register(Napi::Env env, Napi::Object exports, PollSet* polls);
  explicit Acceptor(const Napi::CallbackInfo& info);
  ~Acceptor() override;

 private:
  static void OnReady(void* self, int fd, int status, int events);

  Napi::Value Pause(const Napi::CallbackInfo& info);
  Napi::Value Resume(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  void Share(const Napi::CallbackInfo& info);
  void Accept();
  void Look(int fd, const sockaddr_storage& peer, uint32_t slot);
  // Out of descriptors: frees the reserve to take one connection off the queue and resets it. Returns how many
  // were dropped (0 when none waits) or a negative errno.
  int DropOne();
  // Closes what JavaScript did not take: it puts -1 in place of a descriptor it took.
  void CloseUntaken(uint32_t count);
  void Finish();

  Poll* poll_ = nullptr;
  int reserve_ = -1;
  uint32_t batch_ = 0;
  uint32_t stride_ = 0;
  bool saves_syn_ = false;
  bool local_is_fixed_ = false;
  Endpoint local_{};

  Napi::FunctionReference callback_;
  Napi::AsyncContext context_;

  // The memory below belongs to the typed arrays that JavaScript sees; the references keep it alive.
  Napi::Reference<Napi::ArrayBuffer> memory_;
  int32_t* fds_ = nullptr;
  int32_t* addresses_ = nullptr;
  int32_t* tcp_ = nullptr;
  int32_t* hello_lengths_ = nullptr;
  int32_t* syn_lengths_ = nullptr;
  uint8_t* peers_ = nullptr;
  uint8_t* locals_ = nullptr;
  uint8_t* syns_ = nullptr;
  uint8_t* hellos_ = nullptr;
};

}  // namespace sallyport
