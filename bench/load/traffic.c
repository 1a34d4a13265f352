// Load generator and backend for the proxy suite: one thread, epoll, IPv4 loopback.
//
//   traffic serve PORT                          backend; the first byte of a connection says what for
//   traffic connect PORT CONNECTIONS SECONDS    connect, echo 1 KB, close, again
//   traffic request PORT CONNECTIONS SECONDS    echo 1 KB again and again on connections that are kept
//   traffic http PORT CONNECTIONS SECONDS       GET 1 KB again and again on connections that are kept
//   traffic download PORT STREAMS SECONDS       receive, end, take the count of what was sent
//   traffic upload PORT STREAMS SECONDS         send, end, take the count of what has arrived
//   traffic idle PORT CONNECTIONS               echo one byte on each, say so, hold them until stdin
//                                               ends or all of them have been cut, and say when each was
//
// One line of JSON on stdout for each result. Every byte that comes back is compared, of bulk the
// first of each read; counts have to agree at the end; whatever does not is an error and counted.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024, PERIOD = 251, REQUEST = 1024, TEXT = 8 * 1024, EVENTS = 512, MOST_ERRORS = 1000 };
enum mode { ECHO = 'E', SOURCE = 'S', SINK = 'U', HTTP = 'G' };
enum state { CONNECTING, RUNNING, ENDING, OVER };

struct connection {
  int fd;
  enum mode mode;
  enum state state;
  uint64_t sent, received, since;
  char *waiting; // echoed bytes that the client does not take yet
  size_t waiting_size, waiting_at;
  char *text; // of HTTP, from the beginning of a message on
  size_t text_size;
};

static char pattern[BLOCK + PERIOD], buffer[BLOCK], request[REQUEST];
static int poller;
static uint64_t errors;

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void watch(int operation, struct connection *c, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  if (epoll_ctl(poller, operation, c->fd, &event)) fail("epoll_ctl");
}

static struct sockaddr_in loopback(int port) {
  return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void set_no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* ---- messages of HTTP ---- */

// Each request asks for a number of its own, with which the answer's body begins.
static const char path_start[] = "GET /orders/", path_form[] = "GET /orders/%08x HTTP/1.1\r\n";
static const char request_headers[] = "Host: orders.bench\r\nUser-Agent: traffic\r\nAccept: */*\r\nx-tenant: blue\r\n\r\n";
static const char answer_head[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1024\r\n\r\n";
enum { NUMBER_AT = sizeof path_start - 1, NUMBER = 8 };

// Whether there is room for what was read.
static int take_text(struct connection *c, size_t got) {
  if (c->text == NULL) c->text = malloc(TEXT + 1);
  if (c->text_size + got > TEXT) return 0;
  memcpy(c->text + c->text_size, buffer, got);
  c->text_size += got;
  c->text[c->text_size] = 0;
  return 1;
}

// Bytes up to the end of the head, or none where that has not come yet.
static size_t head_size(struct connection *c) {
  char *end = strstr(c->text, "\r\n\r\n");
  return end == NULL ? 0 : end + 4 - c->text;
}

/* ---- backend ---- */

static void drop(struct connection *c) {
  close(c->fd);
  free(c->waiting);
  free(c->text);
  c->fd = -1; // freed by the caller, after the events of this turn
}

static void echo(struct connection *c, size_t count) {
  ssize_t written = write(c->fd, buffer, count);
  if (written < 0) written = 0;
  if ((size_t)written == count) return;
  c->waiting_size = count - written;
  c->waiting_at = 0;
  c->waiting = malloc(c->waiting_size);
  memcpy(c->waiting, buffer + written, c->waiting_size);
  watch(EPOLL_CTL_MOD, c, EPOLLOUT);
}

static void echo_waiting(struct connection *c) {
  ssize_t written = write(c->fd, c->waiting + c->waiting_at, c->waiting_size - c->waiting_at);
  if (written < 0) {
    if (errno != EAGAIN) drop(c);
    return;
  }
  c->waiting_at += written;
  if (c->waiting_at < c->waiting_size) return;
  free(c->waiting);
  c->waiting = NULL;
  watch(EPOLL_CTL_MOD, c, EPOLLIN);
}

static void answer_count(struct connection *c, uint64_t count) {
  if (write(c->fd, &count, sizeof count) != sizeof count) fprintf(stderr, "count not sent\n");
  drop(c);
}

// Sends until the client ends, then the count of what was sent, once there is room for it.
static void source(struct connection *c, uint32_t events) {
  if (c->state != ENDING && (events & EPOLLIN)) {
    ssize_t got = read(c->fd, buffer, BLOCK);
    if (got == 0) {
      c->state = ENDING;
      watch(EPOLL_CTL_MOD, c, EPOLLOUT);
    } else if (got < 0 && errno != EAGAIN) drop(c);
    return;
  }
  if (c->state == ENDING) {
    answer_count(c, c->sent);
    return;
  }
  ssize_t written = write(c->fd, pattern + c->sent % PERIOD, BLOCK);
  if (written >= 0) c->sent += written;
  else if (errno != EAGAIN) drop(c);
}

static void answer_requests(struct connection *c, size_t got) {
  size_t head;
  char answer[sizeof answer_head - 1 + REQUEST], *body = answer + sizeof answer_head - 1;
  if (!take_text(c, got)) return drop(c);
  while ((head = head_size(c)) > 0) {
    if (strncmp(c->text, path_start, NUMBER_AT)) return drop(c);
    memcpy(answer, answer_head, sizeof answer_head - 1);
    memcpy(body, pattern, REQUEST);
    memcpy(body, c->text + NUMBER_AT, NUMBER);
    if (write(c->fd, answer, sizeof answer) != sizeof answer) return drop(c);
    c->text_size -= head;
    memmove(c->text, c->text + head, c->text_size + 1);
  }
}

static void serve_event(struct connection *c, uint32_t events) {
  if (events & EPOLLERR) return drop(c);
  if (c->waiting != NULL) return echo_waiting(c);
  if (c->mode == SOURCE) return source(c, events);
  ssize_t got = read(c->fd, buffer, BLOCK);
  if (got < 0) {
    if (errno != EAGAIN) drop(c);
    return;
  }
  if (got == 0) {
    if (c->mode == SINK) answer_count(c, c->received);
    else drop(c);
    return;
  }
  if (c->mode == 0) c->mode = buffer[0];
  c->received += got;
  if (c->mode == ECHO) echo(c, got);
  else if (c->mode == HTTP) answer_requests(c, got);
  else if (c->mode == SOURCE) watch(EPOLL_CTL_MOD, c, EPOLLIN | EPOLLOUT);
}

static void accept_all(int listener) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    set_no_delay(fd);
    struct connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    watch(EPOLL_CTL_ADD, c, EPOLLIN);
  }
}

static void serve(int port) {
  struct connection listener = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
  struct sockaddr_in address = loopback(port);
  int on = 1;
  setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener.fd, (void *)&address, sizeof address) || listen(listener.fd, 4096)) fail("listen");
  watch(EPOLL_CTL_ADD, &listener, EPOLLIN);
  struct epoll_event events[EVENTS];
  for (;;) {
    int count = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == &listener) accept_all(c->fd);
      else serve_event(c, events[i].events);
      if (c->fd < 0) free(c);
    }
  }
}

/* ---- clients ---- */

static int port;
static enum mode asking = ECHO; // what kept connections and new ones are for
static uint32_t *latencies; // tenths of a microsecond
static size_t latency_count, latency_room;

static void record(uint64_t ns) {
  if (latency_count == latency_room) {
    latency_room = latency_room ? latency_room * 2 : 1 << 16;
    latencies = realloc(latencies, latency_room * sizeof *latencies);
  }
  latencies[latency_count++] = ns / 100;
}

static int ascending(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static double percentile(double part) {
  return latency_count ? latencies[(size_t)(part * (latency_count - 1))] / 10.0 : 0;
}

static void open_connection(struct connection *c) {
  struct sockaddr_in address = loopback(port);
  memset(c, 0, sizeof *c);
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (c->fd < 0) fail("socket");
  set_no_delay(c->fd);
  c->since = now();
  if (connect(c->fd, (void *)&address, sizeof address) && errno != EINPROGRESS) fail("connect");
  watch(EPOLL_CTL_ADD, c, EPOLLOUT);
}

static void count_error(void) {
  if (++errors <= MOST_ERRORS) return;
  fprintf(stderr, "too many errors\n");
  exit(1);
}

static void reopen(struct connection *c) {
  close(c->fd);
  free(c->text);
  open_connection(c);
}

static void send_request(struct connection *c) {
  char text[256];
  int size = REQUEST;
  c->received = c->text_size = 0;
  if (asking == HTTP) {
    static unsigned number;
    c->sent = ++number;
    size = snprintf(text, sizeof text, path_form, number);
    memcpy(text + size, request_headers, sizeof request_headers - 1);
    size += sizeof request_headers - 1;
  }
  if (write(c->fd, asking == HTTP ? text : request, size) != size) count_error();
}

// Both of these: 1 where the answer is whole, 0 where there is more to come, -1 where it is wrong.
static int take_echo(struct connection *c, size_t got) {
  if (c->received + got > REQUEST || memcmp(buffer, request + c->received, got)) return -1;
  c->received += got;
  return c->received == REQUEST;
}

static int take_answer(struct connection *c, size_t got) {
  char number[NUMBER + 1];
  if (!take_text(c, got)) return -1;
  size_t head = head_size(c);
  if (head == 0) return 0;
  if (strncmp(c->text, "HTTP/1.1 200 ", 13)) return -1;
  if (c->text_size < head + REQUEST) return 0;
  char *body = c->text + head, *length = strcasestr(c->text, "\r\ncontent-length: 1024\r\n");
  snprintf(number, sizeof number, "%08x", (unsigned)c->sent);
  int is_right = c->text_size == head + REQUEST && length != NULL && length < body &&
                 !memcmp(body, number, NUMBER) && !memcmp(body + NUMBER, pattern + NUMBER, REQUEST - NUMBER);
  return is_right ? 1 : -1;
}

static int is_connected(struct connection *c) {
  int problem = 0;
  socklen_t size = sizeof problem;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
  return problem == 0;
}

// One echo or answer: connects (again) or goes on with the same connection.
static uint64_t echo_client(struct connection *c, int keeps) {
  if (c->state == CONNECTING) {
    if (!is_connected(c)) {
      count_error();
      reopen(c);
      return 0;
    }
    c->state = RUNNING;
    if (keeps) c->since = now();
    send_request(c);
    watch(EPOLL_CTL_MOD, c, EPOLLIN);
    return 0;
  }
  ssize_t got = read(c->fd, buffer, BLOCK);
  if (got < 0 && errno == EAGAIN) return 0;
  int taken = got <= 0 ? -1 : asking == HTTP ? take_answer(c, got) : take_echo(c, got);
  if (taken < 0) {
    count_error();
    reopen(c);
  }
  if (taken <= 0) return 0;
  uint64_t at = now();
  record(at - c->since);
  if (keeps) {
    c->since = at;
    send_request(c);
  } else reopen(c);
  return 1;
}

static void print_rates(uint64_t done, double seconds) {
  qsort(latencies, latency_count, sizeof *latencies, ascending);
  printf("{\"perSecond\":%.1f,\"done\":%lu,\"p50\":%.1f,\"p99\":%.1f,\"errors\":%lu}\n", done / seconds, done,
         percentile(0.5), percentile(0.99), errors);
}

static int echo_load(int count, double seconds, int keeps) {
  struct connection *all = calloc(count, sizeof *all);
  struct epoll_event events[EVENTS];
  for (int i = 0; i < count; i++) open_connection(&all[i]);
  uint64_t end = now() + (uint64_t)(seconds * 1e9), start = now(), done = 0, at = start;
  int opened = 0;
  while (at < end) {
    int ready = epoll_wait(poller, events, EVENTS, 100);
    for (int i = 0; i < ready; i++) done += echo_client(events[i].data.ptr, keeps);
    at = now();
    // Kept connections are measured from when all have been opened and used.
    if (keeps && !opened && done >= (uint64_t)count) {
      opened = 1;
      end += at - start;
      start = at;
      done = latency_count = 0;
    }
  }
  print_rates(done, (at - start) / 1e9);
  return 0;
}

static void over(struct connection *c, int is_right) {
  if (!is_right) errors++;
  c->state = OVER;
  close(c->fd);
}

// Checks where in the pattern each read begins; the last eight bytes are the count.
static void receive_bulk(struct connection *c) {
  uint64_t tail;
  ssize_t got = read(c->fd, buffer, BLOCK);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0) return over(c, 0);
  if (c->state == RUNNING) {
    if (buffer[0] != pattern[c->received % PERIOD]) errors++;
    c->received += got;
    return;
  }
  // Near the end: all is read byte by byte into the place where the count will be.
  static char last[sizeof tail + BLOCK];
  memcpy(last, &c->sent, sizeof tail);
  memcpy(last + sizeof tail, buffer, got);
  memcpy(&c->sent, last + got, sizeof tail);
  c->received += got;
}

static void bulk_event(struct connection *c, enum mode mode) {
  if (c->state == CONNECTING) {
    char first = mode;
    if (!is_connected(c) || write(c->fd, &first, 1) != 1) return over(c, 0);
    c->state = RUNNING;
    c->sent = mode == SINK ? 1 : 0;
    watch(EPOLL_CTL_MOD, c, mode == SINK ? EPOLLOUT : EPOLLIN);
  } else if (mode == SINK && c->state == RUNNING) {
    ssize_t written = write(c->fd, pattern + c->sent % PERIOD, BLOCK);
    if (written >= 0) c->sent += written;
    else if (errno != EAGAIN) over(c, 0);
  } else if (mode == SINK) {
    uint64_t counted = 0;
    over(c, read(c->fd, &counted, sizeof counted) == sizeof counted && counted == c->sent);
    c->received = counted;
  } else {
    receive_bulk(c);
  }
}

static void end_bulk(struct connection *c, enum mode mode) {
  if (c->state == RUNNING) {
    shutdown(c->fd, SHUT_WR);
    c->state = ENDING;
    c->sent = mode == SINK ? c->sent : 0;
    if (mode == SINK) watch(EPOLL_CTL_MOD, c, EPOLLIN);
  } else if (c->state == CONNECTING) over(c, 0);
}

// A download is over when its connection is closed: then its last eight bytes are the count.
static void close_download(struct connection *c, enum mode mode) {
  char peeked;
  if (mode != SOURCE || c->state != ENDING || recv(c->fd, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) != 0) return;
  over(c, c->received - sizeof c->sent == c->sent);
}

static int bulk_load(int count, double seconds, enum mode mode) {
  struct connection *all = calloc(count, sizeof *all);
  struct epoll_event events[EVENTS];
  for (int i = 0; i < count; i++) open_connection(&all[i]);
  uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), at = start, bytes = 0;
  int live = count, is_ending = 0;
  while (live > 0 && at < end + 8000000000ull) {
    int ready = epoll_wait(poller, events, EVENTS, 20);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      close_download(c, mode);
      if (c->state != OVER) bulk_event(c, mode);
      if (c->state == OVER) live--;
    }
    at = now();
    for (int i = 0; at >= end && !is_ending && i < count; i++) {
      end_bulk(&all[i], mode);
      if (all[i].state == OVER) live--;
    }
    if (at >= end) is_ending = 1;
  }
  errors += live;
  for (int i = 0; i < count; i++) bytes += all[i].received;
  printf("{\"bytes\":%lu,\"megabytesPerSecond\":%.1f,\"errors\":%lu}\n", bytes, bytes / ((at - start) / 1e9) / 1e6, errors);
  return 0;
}

// Opens at most 64 at once; each is idle once its byte has come back.
static void open_idle(struct connection *all, int count) {
  struct epoll_event events[EVENTS];
  int opened = 0, done = 0;
  while (done < count) {
    while (opened < count && opened - done < 64) open_connection(&all[opened++]);
    int ready = epoll_wait(poller, events, EVENTS, 10000);
    if (ready == 0) fail("no answer within 10 s");
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      char byte = ECHO;
      if (c->state == CONNECTING) {
        if (write(c->fd, &byte, 1) != 1) errors++;
        c->state = RUNNING;
        watch(EPOLL_CTL_MOD, c, EPOLLIN);
      } else if (c->state == RUNNING) {
        if (read(c->fd, &byte, 1) != 1) errors++;
        c->state = ENDING;
        done++;
      }
    }
  }
}

static int earlier(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

// In the order of time; microseconds of the clock that all processes share.
static void print_cuts(uint64_t *at, int count) {
  qsort(at, count, sizeof *at, earlier);
  uint64_t p50 = at[(count - 1) / 2], p99 = at[(size_t)(0.99 * (count - 1))], last = at[count - 1];
  printf("{\"cut\":%d,\"p50Microseconds\":%lu,\"p99Microseconds\":%lu,\"lastMicroseconds\":%lu}\n", count, p50 / 1000,
         p99 / 1000, last / 1000);
}

static int idle_load(int count) {
  uint64_t *cut_at = calloc(count, sizeof *cut_at);
  struct connection *all = calloc(count, sizeof *all), input = {.fd = 0};
  struct epoll_event events[EVENTS];
  open_idle(all, count);
  printf("{\"open\":%d,\"errors\":%lu}\n", count, errors);
  fflush(stdout);
  watch(EPOLL_CTL_ADD, &input, EPOLLIN);
  int cut = 0;
  while (cut < count) {
    int ready = epoll_wait(poller, events, EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (c == &input) return 0;
      cut_at[cut++] = now();
      close(c->fd);
    }
  }
  print_cuts(cut_at, count);
  return 0;
}

int main(int words, char **word) {
  struct rlimit files;
  signal(SIGPIPE, SIG_IGN);
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (size_t i = 0; i < sizeof pattern; i++) pattern[i] = i % PERIOD;
  memcpy(request, pattern, REQUEST);
  request[0] = ECHO;
  poller = epoll_create1(0);
  const char *what = words > 2 ? word[1] : "";
  port = words > 2 ? atoi(word[2]) : 0;
  int count = words > 3 ? atoi(word[3]) : 0;
  double seconds = words > 4 ? atof(word[4]) : 0;
  if (!strcmp(what, "serve")) serve(port);
  if (!strcmp(what, "connect")) return echo_load(count, seconds, 0);
  if (!strcmp(what, "request")) return echo_load(count, seconds, 1);
  if (!strcmp(what, "http")) {
    asking = HTTP;
    return echo_load(count, seconds, 1);
  }
  if (!strcmp(what, "download")) return bulk_load(count, seconds, SOURCE);
  if (!strcmp(what, "upload")) return bulk_load(count, seconds, SINK);
  if (!strcmp(what, "idle")) return idle_load(count);
  fprintf(stderr, "usage: traffic serve|connect|request|http|download|upload|idle PORT [COUNT [SECONDS]]\n");
  return 2;
}
