#include "acceptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sallyport {

namespace {

constexpr uint32_t kMaxBatch = 1024;
constexpr uint32_t kMaxStride = 64 * 1024;
constexpr uint32_t kSynStride = 128;  // IP and TCP headers with all options: at most 120 bytes.
constexpr uint32_t kAddressBytes = 16;

// Indices into a row of `addresses`; src/edge/addon.ts names the same positions.
enum AddressField { kPeerIsV4, kPeerPort, kLocalIsV4, kLocalPort, kAddressFields };

// A connection that died in the queue, or a network error the kernel reports on the new socket.
bool ConcernsOnlyOneConnection(int error) {
  switch (-error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
      return true;
    default:
      return false;
  }
}

bool OutOfDescriptors(int error) { return error == -EMFILE || error == -ENFILE; }

int OpenReserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool IsWildcard(const Endpoint& endpoint) {
  static const uint8_t kZero[kAddressBytes] = {};
  return memcmp(endpoint.address, kZero, kAddressBytes) == 0 ||
         (endpoint.is_v4 && memcmp(endpoint.address + 12, kZero, 4) == 0);
}

// Cuts consecutive typed arrays out of one buffer; 4-byte elements come first, so all are aligned.
class Layout {
 public:
  Layout(Napi::Object owner, Napi::ArrayBuffer buffer) : owner_(owner), buffer_(buffer) {}

  int32_t* Int32(const char* name, size_t elements) {
    auto view = Napi::Int32Array::New(owner_.Env(), elements, buffer_, offset_);
    owner_.Set(name, view);
    offset_ += elements * sizeof(int32_t);
    return view.Data();
  }

  uint8_t* Bytes(const char* name, size_t elements) {
    auto view = Napi::Uint8Array::New(owner_.Env(), elements, buffer_, offset_);
    owner_.Set(name, view);
    offset_ += elements;
    return view.Data();
  }

  static size_t Size(size_t batch, size_t stride) {
    const size_t integers = 1 + kAddressFields + kTcpFields + 1 + 1;
    return batch * (integers * sizeof(int32_t) + 2 * kAddressBytes + kSynStride + stride);
  }

 private:
  Napi::Object owner_;
  Napi::ArrayBuffer buffer_;
  size_t offset_ = 0;
};

}  // namespace

void Acceptor::Register(Napi::Env env, Napi::Object exports, PollSet* polls) {
  exports.Set("Acceptor", DefineClass(env, "Acceptor",
                                      {
                                          InstanceMethod<&Acceptor::Pause>("pause"),
                                          InstanceMethod<&Acceptor::Resume>("resume"),
                                          InstanceMethod<&Acceptor::Close>("close"),
                                      },
                                      polls));
}

Acceptor::Acceptor(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<Acceptor>(info), context_(info.Env(), "sallyport.Acceptor") {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const Napi::Object options = info[1].As<Napi::Object>();
  batch_ = options.Get("batch").ToNumber().Uint32Value();
  stride_ = options.Get("peekBytes").ToNumber().Uint32Value();
  int status = batch_ == 0 || batch_ > kMaxBatch || stride_ == 0 || stride_ > kMaxStride ? -EINVAL : 0;
  if (status == 0) status = LocalEndpoint(fd, &local_);
  if (status == 0) {
    Share(info);
    callback_ = Napi::Persistent(info[2].As<Napi::Function>());
    saves_syn_ = SavesSyn(fd);
    local_is_fixed_ = !IsWildcard(local_);
    status = static_cast<PollSet*>(info.Data())->Open(fd, true, this, OnReady, &poll_);
  }
  if (status == 0) {
    reserve_ = OpenReserve();
    Ref();
  }
  info.This().As<Napi::Object>().Set("status", Napi::Number::New(info.Env(), status));
}

Acceptor::~Acceptor() { Finish(); }

void Acceptor::Share(const Napi::CallbackInfo& info) {
  auto buffer = Napi::ArrayBuffer::New(info.Env(), Layout::Size(batch_, stride_));
  memory_ = Napi::Persistent(buffer);
  Layout layout(info.This().As<Napi::Object>(), buffer);
  fds_ = layout.Int32("fds", batch_);
  addresses_ = layout.Int32("addresses", batch_ * kAddressFields);
  tcp_ = layout.Int32("tcp", batch_ * kTcpFields);
  hello_lengths_ = layout.Int32("helloLengths", batch_);
  syn_lengths_ = layout.Int32("synLengths", batch_);
  peers_ = layout.Bytes("peers", batch_ * kAddressBytes);
  locals_ = layout.Bytes("locals", batch_ * kAddressBytes);
  syns_ = layout.Bytes("syns", batch_ * kSynStride);
  hellos_ = layout.Bytes("hellos", batch_ * stride_);
}

void Acceptor::OnReady(void* self, int, int, int) { static_cast<Acceptor*>(self)->Accept(); }

void Acceptor::Accept() {
  // A thread that is being terminated still turns its loop: what it accepted then would be lost, while
  // what stays in the queue is served by whoever takes the thread's place.
  if (!CanCallJavaScript(callback_.Env())) {
    poll_->Stop();
    return;
  }
  uint32_t count = 0;
  int32_t dropped = 0;
  int error = 0;
  const int listener = poll_->fd();
  // Dropped connections count towards the batch too, so one turn of the loop stays bounded.
  for (uint32_t turn = 0; turn < batch_ && error == 0; turn++) {
    sockaddr_storage peer;
    const int fd = AcceptSocket(listener, &peer);
    if (fd >= 0) {
      Look(fd, peer, count++);
    } else if (OutOfDescriptors(fd)) {
      const int outcome = DropOne();
      if (outcome == 0) break;
      if (outcome < 0) error = outcome;
      else dropped++;
    } else if (fd == -EAGAIN || fd == -EWOULDBLOCK) {
      break;
    } else if (!ConcernsOnlyOneConnection(fd)) {
      error = fd;
    }
  }
  // The listener stays readable after a lasting error: watching on would spin.
  if (error != 0) poll_->Stop();
  if (count == 0 && dropped == 0 && error == 0) return;
  const int32_t arguments[] = {static_cast<int32_t>(count), dropped, error};
  CallFromLoop(&callback_, &context_, 3, arguments);
  CloseUntaken(count);
}

void Acceptor::Look(int fd, const sockaddr_storage& peer, uint32_t slot) {
  Endpoint remote;
  Endpoint local = local_;
  ToEndpoint(peer, &remote);
  if (!local_is_fixed_) LocalEndpoint(fd, &local);
  fds_[slot] = fd;
  int32_t* address = addresses_ + slot * kAddressFields;
  address[kPeerIsV4] = remote.is_v4;
  address[kPeerPort] = remote.port;
  address[kLocalIsV4] = local.is_v4;
  address[kLocalPort] = local.port;
  memcpy(peers_ + slot * kAddressBytes, remote.address, kAddressBytes);
  memcpy(locals_ + slot * kAddressBytes, local.address, kAddressBytes);
  hello_lengths_[slot] = Peek(fd, hellos_ + slot * stride_, stride_);
  syn_lengths_[slot] = saves_syn_ ? SavedSyn(fd, syns_ + slot * kSynStride, kSynStride) : 0;
  int32_t* tcp = tcp_ + slot * kTcpFields;
  if (TcpFacts(fd, tcp) < 0) memset(tcp, 0xff, kTcpFields * sizeof(*tcp));
}

int Acceptor::DropOne() {
  if (reserve_ < 0) reserve_ = OpenReserve();
  if (reserve_ < 0) return -errno;
  close(reserve_);
  sockaddr_storage peer;
  const int fd = AcceptSocket(poll_->fd(), &peer);
  if (fd >= 0) ResetAndClose(fd);
  reserve_ = OpenReserve();
  if (fd == -EAGAIN || fd == -EWOULDBLOCK) return 0;
  return fd < 0 ? fd : 1;
}

void Acceptor::CloseUntaken(uint32_t count) {
  for (uint32_t slot = 0; slot < count; slot++) {
    if (fds_[slot] >= 0) close(fds_[slot]);
    fds_[slot] = -1;
  }
}

void Acceptor::Finish() {
  if (poll_ != nullptr) poll_->Close();
  if (reserve_ >= 0) close(reserve_);
  reserve_ = -1;
}

Napi::Value Acceptor::Pause(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), poll_ == nullptr ? -EBADF : poll_->Stop());
}

Napi::Value Acceptor::Resume(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), poll_ == nullptr ? -EBADF : poll_->Start(UV_READABLE));
}

Napi::Value Acceptor::Close(const Napi::CallbackInfo& info) {
  if (poll_ != nullptr) Unref();
  Finish();
  return info.Env().Undefined();
}

}  // namespace sallyport
