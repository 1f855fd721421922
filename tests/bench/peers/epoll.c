/* The limit of one write per delivery: one thread, epoll, a prebuilt frame, send() to each subscriber.
 *
 * It knows one topic. GET of anything is a WebSocket that follows it; POST carries {"mark", "first", "count", "pad"}
 * and sends that many messages to everybody, one by one, or, at a path that ends in /joined, all of them in one write
 * per subscriber: that is what shows how much the load generator can take. A full socket is waited for.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DESCRIPTORS = 65536, REQUEST = 4096, MESSAGES = 1000, FRAME = 65536 + 256 };

static char requests[DESCRIPTORS][REQUEST];
static size_t filled[DESCRIPTORS];
static char follows[DESCRIPTORS];
static int highest;
static char batch[MESSAGES * 1024 + FRAME];

static void end(int fd) {
  follows[fd] = 0;
  filled[fd] = 0;
  close(fd);
}

static void send_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent >= 0) {
      data += sent;
      size -= (size_t)sent;
    } else if (errno == EAGAIN) {
      struct pollfd writable = {.fd = fd, .events = POLLOUT};
      poll(&writable, 1, 1000);
    } else if (errno != EINTR) {
      follows[fd] = 0; /* its end is seen by epoll */
      return;
    }
  }
}

static size_t framed(char *into, const char *mark, long number, long pad) {
  static char payload[FRAME];
  int size = snprintf(payload, sizeof payload, "{\"type\":\"bench\",\"topic\":\"live/bench\",\"data\":{\"text\":\"%s%ld;", mark, number);
  memset(payload + size, 'x', (size_t)pad);
  size += (int)pad;
  memcpy(payload + size, "\"}}", 3);
  size += 3;
  size_t head = size < 126 ? 2 : 4;
  into[0] = (char)0x81;
  if (size < 126) {
    into[1] = (char)size;
  } else {
    into[1] = 126;
    into[2] = (char)(size >> 8);
    into[3] = (char)size;
  }
  memcpy(into + head, payload, (size_t)size);
  return head + (size_t)size;
}

static long number_in(const char *body, const char *name) {
  const char *found = strstr(body, name);
  return found ? atol(found + strlen(name)) : 0;
}

static void to_all(size_t size) {
  for (int fd = 0; fd <= highest; fd++)
    if (follows[fd]) send_all(fd, batch, size);
}

static void publish(int fd, const char *path, const char *body) {
  char mark[64] = "";
  const char *found = strstr(body, "\"mark\":\"");
  if (found) sscanf(found + 8, "%63[^\"]", mark);
  long first = number_in(body, "\"first\":"), count = number_in(body, "\"count\":"), pad = number_in(body, "\"pad\":");
  size_t size = 0;
  if (pad < 0 || pad > 60000) pad = 0;
  if (pad > 500 || count > MESSAGES) count = count > 1 ? 1 : count;
  int joined = strstr(path, "/joined ") != NULL;
  for (long number = first; number < first + count; number++) {
    size += framed(batch + size, mark, number, pad);
    if (!joined) {
      to_all(size);
      size = 0;
    }
  }
  if (size) to_all(size);
  const char *done = "HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}";
  send_all(fd, done, strlen(done));
}

static void answer(int fd) {
  char *request = requests[fd], *body = strstr(request, "\r\n\r\n");
  if (follows[fd]) {
    filled[fd] = 0;
    return;
  }
  if (!body) return;
  body += 4;
  if (!strncmp(request, "POST", 4)) {
    char *length = strcasestr(request, "content-length:");
    if (!length || strlen(body) < (size_t)atol(length + 15)) return;
    filled[fd] = 0;
    publish(fd, request, body);
  } else {
    const char *welcome = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\x14{\"type\":\"connected\"}";
    filled[fd] = 0;
    send_all(fd, welcome, strlen(welcome));
    follows[fd] = 1;
    if (fd > highest) highest = fd;
  }
}

int main(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
  setrlimit(RLIMIT_NOFILE, &limit);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) return 1;
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("http://127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  int events = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[512];
  epoll_ctl(events, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(events, ready, 512, -1);
    for (int index = 0; index < count; index++) {
      int fd = ready[index].data.fd;
      if (fd == listener) {
        while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
          if (fd >= DESCRIPTORS) {
            close(fd);
            continue;
          }
          setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          event.data.fd = fd;
          epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
        }
        continue;
      }
      ssize_t got = recv(fd, requests[fd] + filled[fd], REQUEST - 1 - filled[fd], 0);
      if (got <= 0) {
        if (got == 0 || errno != EAGAIN) end(fd);
        continue;
      }
      filled[fd] += (size_t)got;
      requests[fd][filled[fd]] = 0;
      answer(fd);
    }
  }
}
