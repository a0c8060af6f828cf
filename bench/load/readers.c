/* Many readers of one trade stream, and some who never read.

   readers HOST PORT PATH READERS LAZY SECONDS

   All connect; then one line is printed: the local ports of the lazy ones. Readers read for SECONDS, each message's
   "t" must follow the one before, and its delay counts from its "T" (milliseconds, when the trade was decided). Lazy
   ones have small receive buffers and never read. At the end a second line: messages delivered, messages missing,
   readers that were cut off, processor seconds of this program, and then the delays: "milliseconds:count" pairs. */
#include "net.h"

#define LONGEST 10000 /* delays of more milliseconds count as this */

typedef struct {
    int fd, open;
    long first, last; /* trade numbers */
    uint8_t in[1 << 14];
    size_t filled;
} Reader;

static long delivered, missing, delays[LONGEST + 1];

static void take(Reader *reader, const uint8_t *text, size_t size, long now) {
    long trade = number_after(text, size, "\"t\":"), time = number_after(text, size, "\"T\":");
    if (trade < 0 || time < 0) return;
    if (reader->last && trade > reader->last + 1) missing += trade - reader->last - 1;
    if (!reader->first) reader->first = trade;
    reader->last = trade;
    long delay = now - time;
    delivered++;
    delays[delay < 0 ? 0 : delay > LONGEST ? LONGEST : delay]++;
}

static void receive(Reader *reader) {
    for (;;) {
        ssize_t got = recv(reader->fd, reader->in + reader->filled, sizeof reader->in - reader->filled, 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) {
            reader->open = 0;
            close(reader->fd);
            return;
        }
        long now = (long)(seconds_now(CLOCK_REALTIME) * 1000);
        const uint8_t *payload;
        size_t at = 0, taken, size;
        reader->filled += got;
        while ((taken = frame_at(reader->in + at, reader->filled - at, &payload, &size))) {
            if ((reader->in[at] & 15) == 1) take(reader, payload, size, now);
            at += taken;
        }
        memmove(reader->in, reader->in + at, reader->filled - at);
        reader->filled -= at;
    }
}

static int local_port(int fd) {
    struct sockaddr_in own;
    socklen_t size = sizeof own;
    if (getsockname(fd, (struct sockaddr *)&own, &size)) die("getsockname");
    return ntohs(own.sin_port);
}

static void report(Reader *readers, int count, double cpu) {
    long newest = 0, closed = 0;
    for (int i = 0; i < count; i++)
        if (readers[i].last > newest) newest = readers[i].last;
    for (int i = 0; i < count; i++) {
        closed += !readers[i].open;
        missing += newest - readers[i].last;
    }
    printf("%ld %ld %ld %.3f", delivered, missing, closed, cpu);
    for (int i = 0; i <= LONGEST; i++)
        if (delays[i]) printf(" %d:%ld", i, delays[i]);
    printf("\n");
}

int main(int argc, char **argv) {
    if (argc != 7) die("readers HOST PORT PATH READERS LAZY SECONDS");
    int port = atoi(argv[2]), count = atoi(argv[4]), lazy = atoi(argv[5]), epoll = epoll_create1(EPOLL_CLOEXEC);
    lift_limits();
    Reader *readers = calloc(count, sizeof *readers);
    for (int i = 0; i < count; i++) {
        readers[i].fd = dial(argv[1], port, 0);
        readers[i].open = 1;
        upgrade(readers[i].fd, argv[1], port, argv[3]);
        unblock(readers[i].fd);
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &readers[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, readers[i].fd, &event);
    }
    for (int i = 0; i < lazy; i++) {
        int fd = dial(argv[1], port, 2048);
        upgrade(fd, argv[1], port, argv[3]);
        printf("%d ", local_port(fd));
    }
    printf("\n");
    fflush(stdout);
    double began = cpu_seconds(), until = seconds_now(CLOCK_MONOTONIC) + atof(argv[6]);
    struct epoll_event events[256];
    while (seconds_now(CLOCK_MONOTONIC) < until) {
        int ready = epoll_wait(epoll, events, 256, 50);
        for (int i = 0; i < ready; i++) receive(events[i].data.ptr);
    }
    report(readers, count, cpu_seconds() - began);
    return 0;
}
