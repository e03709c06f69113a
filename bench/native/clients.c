/*
 * Clients by the thousand, hostile ones and good ones, cheap enough that a measurement of an edge beside them measures
 * the edge: one thread, one epoll, no allocation for a byte.
 *
 *   clients MODE PORT COUNT PER_SECOND AT_ONCE EVERY_MS HELLO_FILE SERVER_NAME
 *
 * COUNT connections, PER_SECOND of them begun each second (0: as fast as they come), at most AT_ONCE of them open. The
 * hello of HELLO_FILE, whole records, is what the hostile ones send:
 *   silent    nothing.
 *   drip      a byte of it every EVERY_MS.
 *   send      all of it, however long it is, and nothing more.
 *   abort     breaks off with a TCP reset, at each of ten points of a connection's life in turn.
 *   good      a TLS 1.3 handshake for SERVER_NAME, then an orderly end; goes on until standard input ends.
 *
 * Prints `open` on standard error once all connections are open, and at its end one line of JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum mode { SILENT, DRIP, SEND, ABORT, GOOD, MODES };
static const char *const MODE_NAMES[] = {"silent", "drip", "send", "abort", "good"};

/* Where a client breaks off; those from AFTER_HANDSHAKE on speak TLS to the end. */
enum point {
  AFTER_CONNECT,
  AFTER_ONE_BYTE,
  IN_THE_HELLO,
  AFTER_THE_HELLO,
  AT_THE_FIRST_ANSWER,
  AFTER_THE_SERVERS_FLIGHT,
  IN_THE_CLIENTS_FLIGHT,
  AFTER_HANDSHAKE,
  IN_A_REQUEST,
  BEFORE_THE_RESPONSE,
  POINTS,
};

/* Connections under way to the listening socket, so that its queue never overflows. */
enum { MAX_CONNECTING = 128, EVENTS = 512, QUIET_MS = 30 };
static const char GET[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
enum { HALF_A_REQUEST = 10 };
/* A change_cipher_spec and the beginning of an encrypted record. */
static const unsigned char HALF_FLIGHT[] = {0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 0, 0x35, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66};

struct client {
  int fd;
  int is_connected;
  enum point point;
  size_t sent; /* bytes of the hello */
  uint64_t started;
  uint64_t due; /* of its next byte or of its end; 0: none */
  SSL *ssl;
  struct client *next; /* in the queue of those with a time */
};

static enum mode mode;
static int epoll;
static long count, at_once;
static double per_second;
static uint64_t every;
static unsigned char *hello;
static size_t hello_length;
static const char *server_name;
static struct sockaddr_in address;
static SSL_CTX *context;

static long begun, connecting, opened, closed, failed, open_now;
static uint64_t first_end = UINT64_MAX, last_end;
static uint32_t *latencies; /* microseconds, of handshakes */
static long done, latency_room;
static int is_stopped;

/* Every client waits as long as all others, so the queue is in order by itself. */
static struct client *queue_head, **queue_tail = &queue_head;

static uint64_t now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void wait_until(struct client *client, uint64_t due) {
  client->due = due;
  client->next = NULL;
  *queue_tail = client;
  queue_tail = &client->next;
}

static void watch(struct client *client, int operation, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = client};
  epoll_ctl(epoll, operation, client->fd, &event);
}

/* A client in the queue is freed when its turn comes. */
static void release(struct client *client) {
  if (client->ssl != NULL) SSL_free(client->ssl);
  client->ssl = NULL;
  close(client->fd);
  client->fd = -1;
  open_now--;
  if (client->due == 0) free(client);
}

static void reset(struct client *client) {
  const struct linger immediately = {1, 0};
  setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &immediately, sizeof(immediately));
  release(client);
}

/* The other side has closed. */
static void end(struct client *client) {
  const uint64_t took = now_us() - client->started;
  closed++;
  if (took < first_end) first_end = took;
  if (took > last_end) last_end = took;
  release(client);
}

static void begin(void) {
  struct client *client = calloc(1, sizeof(*client));
  const int on = 1;
  if (client == NULL) die("calloc");
  client->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->fd < 0) die("socket");
  setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  client->point = (enum point)(begun++ % POINTS);
  client->started = now_us();
  open_now++;
  connecting++;
  if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0 && errno != EINPROGRESS) die("connect");
  watch(client, EPOLL_CTL_ADD, EPOLLOUT);
}

static void send_hello(struct client *client, size_t until) {
  const ssize_t sent = send(client->fd, hello + client->sent, until - client->sent, MSG_NOSIGNAL);
  if (sent > 0) client->sent += (size_t)sent;
}

static void speak_tls(struct client *client) {
  client->ssl = SSL_new(context);
  SSL_set_fd(client->ssl, client->fd);
  SSL_set_tlsext_host_name(client->ssl, server_name);
}

static void note_handshake(const struct client *client) {
  if (done == latency_room) {
    latency_room = latency_room * 2 + 1024;
    latencies = realloc(latencies, (size_t)latency_room * sizeof(*latencies));
    if (latencies == NULL) die("realloc");
  }
  latencies[done++] = (uint32_t)(now_us() - client->started);
}

/* Carries a handshake on; what its client is here for comes after it. */
static void shake(struct client *client) {
  const int status = SSL_connect(client->ssl);
  if (status != 1) {
    const int error = SSL_get_error(client->ssl, status);
    if (error == SSL_ERROR_WANT_READ) return watch(client, EPOLL_CTL_MOD, EPOLLIN);
    if (error == SSL_ERROR_WANT_WRITE) return watch(client, EPOLL_CTL_MOD, EPOLLOUT);
    failed++;
    return release(client);
  }
  if (mode == GOOD) {
    note_handshake(client);
    SSL_shutdown(client->ssl);
    shutdown(client->fd, SHUT_WR);
    return watch(client, EPOLL_CTL_MOD, EPOLLIN);
  }
  if (client->point == IN_A_REQUEST) SSL_write(client->ssl, GET, HALF_A_REQUEST);
  if (client->point == BEFORE_THE_RESPONSE) SSL_write(client->ssl, GET, sizeof(GET) - 1);
  reset(client);
}

static void begin_abort(struct client *client) {
  if (client->point >= AFTER_HANDSHAKE) {
    speak_tls(client);
    return shake(client);
  }
  if (client->point == AFTER_ONE_BYTE) send_hello(client, 1);
  else if (client->point == IN_THE_HELLO) send_hello(client, hello_length / 2);
  else if (client->point != AFTER_CONNECT) send_hello(client, hello_length);
  if (client->point <= AFTER_THE_HELLO) return reset(client);
  watch(client, EPOLL_CTL_MOD, EPOLLIN);
}

static void on_connected(struct client *client) {
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  client->is_connected = 1;
  connecting--;
  if (error != 0) {
    failed++;
    return release(client);
  }
  opened++;
  if (mode == ABORT) return begin_abort(client);
  if (mode == GOOD) {
    speak_tls(client);
    return shake(client);
  }
  if (mode == SEND) send_hello(client, hello_length);
  if (mode == DRIP) wait_until(client, now_us() + every);
  watch(client, EPOLL_CTL_MOD, client->sent < hello_length && mode == SEND ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_answer(struct client *client) {
  switch (client->point) {
    case AFTER_THE_SERVERS_FLIGHT:
      watch(client, EPOLL_CTL_MOD, 0);
      return wait_until(client, now_us() + QUIET_MS * 1000);
    case IN_THE_CLIENTS_FLIGHT:
      send(client->fd, HALF_FLIGHT, sizeof(HALF_FLIGHT), MSG_NOSIGNAL);
      return reset(client);
    default:
      return reset(client);
  }
}

static void on_ready(struct client *client, uint32_t events) {
  if (client->fd < 0) return;
  if (!client->is_connected) return on_connected(client);
  if (client->ssl != NULL && !SSL_is_init_finished(client->ssl)) return shake(client);
  if (mode == ABORT && (events & EPOLLIN)) return on_answer(client);
  if (mode == SEND && (events & EPOLLOUT)) {
    send_hello(client, hello_length);
    if (client->sent == hello_length) watch(client, EPOLL_CTL_MOD, EPOLLIN);
  }
  static char ignored[65536];
  const ssize_t got = recv(client->fd, ignored, sizeof(ignored), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) end(client);
}

/* Those whose time has come. */
static void on_time(uint64_t now) {
  while (queue_head != NULL && queue_head->due <= now) {
    struct client *client = queue_head;
    queue_head = client->next;
    if (queue_head == NULL) queue_tail = &queue_head;
    client->due = 0;
    if (client->fd < 0) free(client);
    else if (mode == ABORT) reset(client);
    else if (client->sent < hello_length) {
      send_hello(client, client->sent + 1);
      wait_until(client, now + every);
    }
  }
}

static void begin_those_due(uint64_t start, uint64_t now) {
  const double due = per_second > 0 ? (double)(now - start) / 1e6 * per_second : 1e18;
  while (!is_stopped && begun < count && (double)begun < due && open_now < at_once && connecting < MAX_CONNECTING) {
    begin();
  }
}

static void run(void) {
  const uint64_t start = now_us();
  int is_told = 0;
  struct epoll_event events[EVENTS];
  for (;;) {
    const uint64_t now = now_us();
    begin_those_due(start, now);
    on_time(now);
    if (!is_told && begun == count && connecting == 0) {
      fputs("open\n", stderr);
      is_told = 1;
    }
    if (open_now == 0 && (is_stopped || begun == count)) return;
    const int is_busy = begun < count && !is_stopped;
    const int ready = epoll_wait(epoll, events, EVENTS, is_busy || queue_head != NULL ? 1 : -1);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr != NULL) on_ready(events[i].data.ptr, events[i].events);
      else is_stopped = 1;
    }
    if (is_stopped) epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
  }
}

static void read_hello(const char *file) {
  FILE *stream = fopen(file, "rb");
  if (stream == NULL) die(file);
  fseek(stream, 0, SEEK_END);
  hello_length = (size_t)ftell(stream);
  rewind(stream);
  hello = malloc(hello_length + 1);
  if (hello == NULL || fread(hello, 1, hello_length, stream) != hello_length) die(file);
  fclose(stream);
}

static void print_report(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
                     (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
  printf("{\"opened\":%ld,\"closed\":%ld,\"failed\":%ld,\"firstMs\":%.1f,\"lastMs\":%.1f,\"cpuMs\":%.1f,", opened,
         closed, failed, closed > 0 ? (double)first_end / 1e3 : 0, (double)last_end / 1e3, cpu);
  printf("\"latencies\":[");
  for (long i = 0; i < done; i++) printf("%s%.3f", i > 0 ? "," : "", latencies[i] / 1e3);
  printf("]}\n");
}

int main(int argc, char **argv) {
  if (argc != 9) {
    fputs("usage: clients MODE PORT COUNT PER_SECOND AT_ONCE EVERY_MS HELLO_FILE SERVER_NAME\n", stderr);
    return 2;
  }
  while (mode < MODES && strcmp(argv[1], MODE_NAMES[mode]) != 0) mode++;
  if (mode == MODES) die(argv[1]);
  address.sin_family = AF_INET;
  address.sin_port = htons((uint16_t)atoi(argv[2]));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  count = atol(argv[3]);
  per_second = atof(argv[4]);
  at_once = atol(argv[5]);
  every = (uint64_t)(atof(argv[6]) * 1e3);
  read_hello(argv[7]);
  server_name = argv[8];
  signal(SIGPIPE, SIG_IGN);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  context = SSL_CTX_new(TLS_client_method());
  if (epoll < 0 || context == NULL) die("start");
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set1_groups_list(context, "X25519");
  if (mode == GOOD) {
    struct epoll_event input = {.events = EPOLLIN | EPOLLHUP, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input);
  }
  run();
  print_report();
  return 0;
}
