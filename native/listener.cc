#include "listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#ifdef __linux__
#include <linux/tcp.h>
#else
#include <netinet/tcp.h>
#endif

#include "socket.h"

namespace sallyport {

namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
};

bool ParseAddress(const std::string& text, int port, Address* into) {
  auto* v4 = reinterpret_cast<sockaddr_in*>(&into->storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    into->length = sizeof(*v4);
    return true;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&into->storage);
  if (inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    into->length = sizeof(*v6);
    return true;
  }
  return false;
}

struct ListenOptions {
  int backlog;
  int defer_accept_seconds;
  bool save_syn;
  bool reuse_port;
};

// Accepted sockets inherit TCP_NODELAY and the saved SYN from their listener.
int Configure(int fd, const Address& address, const ListenOptions& options) {
  int status = SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (status == 0) status = SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (status == 0 && options.reuse_port) status = SetOption(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (status == 0 && address.storage.ss_family == AF_INET6) {
    status = SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  }
#ifdef TCP_SAVE_SYN
  if (status == 0 && options.save_syn) status = SetOption(fd, IPPROTO_TCP, TCP_SAVE_SYN, 1);
#endif
#ifdef TCP_DEFER_ACCEPT
  if (status == 0 && options.defer_accept_seconds > 0) {
    status = SetOption(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_seconds);
  }
#endif
  return status;
}

int Open(const Address& address, const ListenOptions& options) {
  const int fd = OpenSocket(address.storage.ss_family);
  if (fd < 0) return fd;
  int status = Configure(fd, address, options);
  if (status == 0 && bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) < 0) {
    status = -errno;
  }
  if (status == 0 && listen(fd, options.backlog) < 0) status = -errno;
  if (status == 0) return fd;
  close(fd);
  return status;
}

Napi::Value Listen(const Napi::CallbackInfo& info) {
  const Napi::Object given = info[0].As<Napi::Object>();
  const ListenOptions options{
      given.Get("backlog").ToNumber().Int32Value(),
      given.Get("deferAcceptSeconds").ToNumber().Int32Value(),
      given.Get("saveSyn").ToBoolean(),
      given.Get("reusePort").ToBoolean(),
  };
  const std::string text = given.Get("address").ToString().Utf8Value();
  const int port = given.Get("port").ToNumber().Int32Value();
  Address address;
  if (port < 0 || port > 65535 || !ParseAddress(text, port, &address)) {
    return Napi::Number::New(info.Env(), -EINVAL);
  }
  return Napi::Number::New(info.Env(), Open(address, options));
}

Napi::Value Adopt(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  int listening = 0;
  socklen_t length = sizeof(listening);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) < 0) {
    return Napi::Number::New(info.Env(), -errno);
  }
  return Napi::Number::New(info.Env(), listening ? PrepareFd(fd) : -EINVAL);
}

Napi::Value BoundPort(const Napi::CallbackInfo& info) {
  Endpoint local;
  const int status = LocalEndpoint(info[0].As<Napi::Number>().Int32Value(), &local);
  return Napi::Number::New(info.Env(), status < 0 ? status : local.port);
}

Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), DuplicateFd(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Value Close(const Napi::CallbackInfo& info) {
  const int status = close(info[0].As<Napi::Number>().Int32Value());
  return Napi::Number::New(info.Env(), status < 0 ? -errno : 0);
}

}  // namespace

void RegisterListener(Napi::Env env, Napi::Object exports) {
  exports.Set("listen", Napi::Function::New<Listen>(env));
  exports.Set("adopt", Napi::Function::New<Adopt>(env));
  exports.Set("boundPort", Napi::Function::New<BoundPort>(env));
  exports.Set("dup", Napi::Function::New<Duplicate>(env));
  exports.Set("close", Napi::Function::New<Close>(env));
}

}  // namespace sallyport
