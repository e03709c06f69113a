#include "socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#ifdef __linux__
#include <linux/tcp.h>
#else
#include <netinet/tcp.h>
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif
#ifndef MSG_MORE
#define MSG_MORE 0
#endif

namespace sallyport {

namespace {

constexpr size_t kDrainChunk = 16 * 1024;
constexpr int kDrainChunks = 8;
constexpr size_t kSkipChunk = 4 * 1024;

[[maybe_unused]] int PrepareOrClose(int fd) {
  if (fd < 0) return -errno;
  const int status = PrepareFd(fd);
  if (status < 0) {
    close(fd);
    return status;
  }
  return fd;
}

[[maybe_unused]] int32_t Clamp(uint64_t value) {
  return static_cast<int32_t>(std::min<uint64_t>(value, INT32_MAX));
}

}  // namespace

int PrepareFd(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -errno;
  if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return -errno;
  return 0;
}

int OpenSocket(int family) {
#ifdef __linux__
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  return fd < 0 ? -errno : fd;
#else
  return PrepareOrClose(socket(family, SOCK_STREAM, IPPROTO_TCP));
#endif
}

int AcceptSocket(int listener, sockaddr_storage* peer) {
  socklen_t length = sizeof(*peer);
#ifdef __linux__
  const int fd = accept4(listener, reinterpret_cast<sockaddr*>(peer), &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return fd < 0 ? -errno : fd;
#else
  return PrepareOrClose(accept(listener, reinterpret_cast<sockaddr*>(peer), &length));
#endif
}

int DuplicateFd(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return copy < 0 ? -errno : copy;
}

int SetOption(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

void ToEndpoint(const sockaddr_storage& from, Endpoint* to) {
  static const uint8_t kMappedPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    memcpy(to->address, kMappedPrefix, sizeof(kMappedPrefix));
    memcpy(to->address + 12, &v4.sin_addr, 4);
    to->is_v4 = true;
    to->port = ntohs(v4.sin_port);
    return;
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
  memcpy(to->address, &v6.sin6_addr, 16);
  to->is_v4 = memcmp(to->address, kMappedPrefix, sizeof(kMappedPrefix)) == 0;
  to->port = ntohs(v6.sin6_port);
}

int LocalEndpoint(int fd, Endpoint* to) {
  sockaddr_storage address{};
  socklen_t length = sizeof(address);
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) < 0) return -errno;
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return -EAFNOSUPPORT;
  ToEndpoint(address, to);
  return 0;
}

int Peek(int fd, uint8_t* into, size_t capacity) {
  ssize_t got;
  do {
    got = recv(fd, into, capacity, MSG_PEEK | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  return got < 0 ? -errno : static_cast<int>(got);
}

int Skip(int fd, size_t bytes) {
  uint8_t chunk[kSkipChunk];
  size_t left = bytes;
  while (left > 0) {
    const ssize_t got = recv(fd, chunk, std::min(left, sizeof(chunk)), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    left -= static_cast<size_t>(got);
  }
  return static_cast<int>(bytes - left);
}

bool SavesSyn(int listener) {
#ifdef TCP_SAVE_SYN
  int value = 0;
  socklen_t length = sizeof(value);
  return getsockopt(listener, IPPROTO_TCP, TCP_SAVE_SYN, &value, &length) == 0 && value != 0;
#else
  (void)listener;
  return false;
#endif
}

int SavedSyn(int fd, uint8_t* into, size_t capacity) {
#ifdef TCP_SAVED_SYN
  socklen_t length = static_cast<socklen_t>(capacity);
  return getsockopt(fd, IPPROTO_TCP, TCP_SAVED_SYN, into, &length) < 0 ? -errno : static_cast<int>(length);
#else
  (void)fd, (void)into, (void)capacity;
  return -ENOTSUP;
#endif
}

int TcpFacts(int fd, int32_t* into) {
#ifdef __linux__
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return -errno;
  into[kRttUs] = Clamp(info.tcpi_rtt);
  into[kRttVarUs] = Clamp(info.tcpi_rttvar);
  into[kMinRttUs] = Clamp(info.tcpi_min_rtt);
  into[kSendMss] = Clamp(info.tcpi_snd_mss);
  into[kReceiveMss] = Clamp(info.tcpi_rcv_mss);
  into[kAdvertisedMss] = Clamp(info.tcpi_advmss);
  into[kPathMtu] = Clamp(info.tcpi_pmtu);
  into[kRetransmits] = Clamp(info.tcpi_total_retrans);
  into[kOptions] = info.tcpi_options;
  into[kSendWindowScale] = info.tcpi_snd_wscale;
  into[kReceiveWindowScale] = info.tcpi_rcv_wscale;
  into[kBytesReceived] = Clamp(info.tcpi_bytes_received);
  return 0;
#else
  (void)fd, (void)into;
  return -ENOTSUP;
#endif
}

int AbortOnClose(int fd) {
  const linger immediately{1, 0};
  return setsockopt(fd, SOL_SOCKET, SO_LINGER, &immediately, sizeof(immediately)) < 0 ? -errno : 0;
}

int ResetAndClose(int fd) {
  AbortOnClose(fd);
  return close(fd) < 0 ? -errno : 0;
}

int SendNow(int fd, const uint8_t* bytes, size_t length) {
  const ssize_t sent = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : static_cast<int>(sent);
}

int SendAndClose(int fd, const uint8_t* bytes, size_t length) {
  uint8_t scratch[kDrainChunk];
  for (int i = 0; i < kDrainChunks; i++) {
    if (recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT) < static_cast<ssize_t>(sizeof(scratch))) break;
  }
  // MSG_MORE keeps the bytes back until the close adds its FIN to them.
  if (length > 0) send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE);
  return close(fd) < 0 ? -errno : 0;
}

}  // namespace sallyport
