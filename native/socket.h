// System calls on sockets, made alike on Linux and elsewhere. Every function that can fail returns a
// negative errno, never throws.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>

namespace sallyport {

// One end of a connection. An IPv4 address is held in its v4-mapped form (RFC 4291 section 2.5.5.2).
struct Endpoint {
  uint8_t address[16];
  bool is_v4;
  uint16_t port;
};

// Indices into a row of TCP facts; src/edge/addon.ts names the same positions.
enum TcpField {
  kRttUs,
  kRttVarUs,
  kMinRttUs,
  kSendMss,
  kReceiveMss,
  kAdvertisedMss,
  kPathMtu,
  kRetransmits,
  kOptions,
  kSendWindowScale,
  kReceiveWindowScale,
  kBytesReceived,
  kTcpFields,
};

// Makes `fd` non-blocking and closed on exec.
int PrepareFd(int fd);
// A new TCP socket, prepared.
int OpenSocket(int family);
// Accepts one connection, prepared; the peer's address goes to `peer`.
int AcceptSocket(int listener, sockaddr_storage* peer);
// A prepared duplicate of `fd`.
int DuplicateFd(int fd);
int SetOption(int fd, int level, int name, int value);

void ToEndpoint(const sockaddr_storage& from, Endpoint* to);
int LocalEndpoint(int fd, Endpoint* to);

// Copies what waits in the receive queue without taking it: bytes copied, 0 when the peer has closed,
// -EAGAIN when nothing has arrived yet.
int Peek(int fd, uint8_t* into, size_t capacity);
// Takes up to `bytes` from the receive queue and throws them away: how many, or a negative errno.
int Skip(int fd, size_t bytes);
// Whether connections from `listener` keep their SYN.
bool SavesSyn(int listener);
// Copies the connection's SYN (IP and TCP headers). The kernel gives it once; 0 when it kept none.
int SavedSyn(int fd, uint8_t* into, size_t capacity);
// Fills `kTcpFields` values from TCP_INFO.
int TcpFacts(int fd, int32_t* into);

// From here on whoever closes the connection sends a RST.
int AbortOnClose(int fd);
// Closes with an RST, so that no state (not even TIME_WAIT) outlives the connection.
int ResetAndClose(int fd);
// Sends without waiting: bytes the kernel took.
int SendNow(int fd, const uint8_t* bytes, size_t length);
// Sends the bytes and FIN, in one segment where they fit, and closes. Unread input would turn the close into an RST
// that can overtake what was just sent, so what already waits is read and thrown away first, up to a bound.
int SendAndClose(int fd, const uint8_t* bytes, size_t length);

}  // namespace sallyport
