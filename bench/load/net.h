/* What both load generators need: sockets, the WebSocket handshake, frames, time. Loopback only, so errors end it. */
#ifndef NET_H
#define NET_H
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static inline void die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "unexpected");
    exit(1);
}

static inline double seconds_now(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static inline double cpu_seconds(void) { return seconds_now(CLOCK_PROCESS_CPUTIME_ID); }

/* Open files as far as the system grants. */
static inline void lift_limits(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* A connected, blocking socket; `receive` bytes of receive buffer, 0: as the system likes. */
static inline int dial(const char *host, int port, int receive) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1) die("socket");
    if (receive) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive, sizeof receive);
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static inline void unblock(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

/* Become a WebSocket; reads no further than the answer's end. */
static inline void upgrade(int fd, const char *host, int port, const char *path) {
    char text[2048];
    int length = snprintf(text, sizeof text,
                          "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
                          path, host, port);
    if (send(fd, text, length, 0) != length) die("send");
    for (length = 0; length < (int)sizeof text - 1; length++) {
        if (recv(fd, text + length, 1, 0) != 1) die("handshake");
        if (length >= 3 && !memcmp(text + length - 3, "\r\n\r\n", 4)) break;
    }
    if (memcmp(text, "HTTP/1.1 101", 12)) {
        fprintf(stderr, "handshake refused: %.*s\n", length, text);
        exit(1);
    }
}

/* The whole frame at `at`, of `left` bytes: its length in all, 0 if it is not all there; its payload. */
static inline size_t frame_at(const uint8_t *at, size_t left, const uint8_t **payload, size_t *size) {
    size_t head = 2, length;
    if (left < 2) return 0;
    length = at[1] & 127;
    if (length == 126) {
        if (left < 4) return 0;
        length = (size_t)at[2] << 8 | at[3];
        head = 4;
    } else if (length == 127) {
        if (left < 10) return 0;
        length = 0;
        for (int i = 2; i < 10; i++) length = length << 8 | at[i];
        head = 10;
    }
    if (left < head + length) return 0;
    *payload = at + head;
    *size = length;
    return head + length;
}

/* The whole number that follows `name` in a JSON text, or -1. */
static inline long number_after(const uint8_t *text, size_t size, const char *name) {
    const char *found = memmem(text, size, name, strlen(name));
    return found ? strtol(found + strlen(name), NULL, 10) : -1;
}
#endif
