/* Sends requests that were made and signed beforehand, and writes down what became of each.

   orders KIND HOST PORT PATH SCRIPT RESULTS IN_FLIGHT SECONDS RATE

   KIND is ws (text frames to PATH) or http (whole requests, answered in order). SCRIPT: u32 connections, then for each
   u32 requests, and for each of these u32 length and the bytes; a WebSocket request's "id" is its place in its
   connection. RATE 0: a closed loop, IN_FLIGHT requests unanswered on each connection until SECONDS are over. Else an
   open loop: requests fall due at RATE a second (exponential gaps, a fixed seed) and are sent then, whatever is
   unanswered; their latency counts from when they were due, so a stall is charged to all whom it kept waiting.
   RESULTS: for each request in the script's order i32 status (0 not sent, -1 unanswered) and u32 microseconds.
   Prints: seconds from the first request to the last reply, requests sent, processor seconds of this program.
   Little-endian machines only. */
#include "net.h"
#include <math.h>
#include <sys/mman.h>
#include <sys/stat.h>

typedef struct {
    int32_t status;
    uint32_t micros;
} Result;

typedef struct {
    int fd;
    uint32_t count, next, answered; /* requests: all, sent, answered */
    uint8_t *bytes;                 /* all requests as they go over the wire */
    size_t *ends;                   /* where each of them ends in `bytes` */
    size_t sent;                    /* bytes of them that the kernel has taken */
    double *begun;                  /* when each was due */
    Result *results;
    uint8_t in[1 << 17];
    size_t filled;
} Peer;

static int websocket, in_flight;
static double rate, stop_at, last_reply;
static Peer *peers;
static uint32_t peer_count;
static uint64_t dice = 88172645463325252ULL;

static uint64_t roll(void) {
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice;
}

static size_t framed(uint8_t *to, const uint8_t *text, uint32_t length) {
    uint8_t mask[4], *at = to;
    uint64_t random = roll();
    memcpy(mask, &random, 4);
    *at++ = 0x81;
    if (length < 126) {
        *at++ = 0x80 | length;
    } else {
        *at++ = 0x80 | 126;
        *at++ = length >> 8;
        *at++ = length & 255;
    }
    memcpy(at, mask, 4);
    at += 4;
    for (uint32_t i = 0; i < length; i++) *at++ = text[i] ^ mask[i & 3];
    return at - to;
}

static const uint8_t *read_peer(Peer *peer, const uint8_t *at) {
    memcpy(&peer->count, at, 4);
    at += 4;
    const uint8_t *scan = at;
    size_t total = 0, end = 0;
    uint32_t length;
    for (uint32_t i = 0; i < peer->count; i++, scan += 4 + length) {
        memcpy(&length, scan, 4);
        total += length + 8;
    }
    peer->bytes = malloc(total + 1);
    peer->ends = calloc(peer->count + 1, sizeof *peer->ends);
    peer->begun = calloc(peer->count + 1, sizeof *peer->begun);
    peer->results = calloc(peer->count + 1, sizeof *peer->results);
    for (uint32_t i = 0; i < peer->count; i++, at += length) {
        memcpy(&length, at, 4);
        at += 4;
        if (websocket) {
            end += framed(peer->bytes + end, at, length);
        } else {
            memcpy(peer->bytes + end, at, length);
            end += length;
        }
        peer->ends[i] = end;
    }
    return at;
}

static void read_script(const char *path) {
    struct stat info;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &info)) die(path);
    const uint8_t *at = mmap(NULL, info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED) die("mmap");
    memcpy(&peer_count, at, 4);
    at += 4;
    peers = calloc(peer_count, sizeof *peers);
    for (uint32_t i = 0; i < peer_count; i++) at = read_peer(&peers[i], at);
}

/* Hand the kernel what may be sent by now. */
static void flush_out(Peer *peer) {
    size_t until = peer->next ? peer->ends[peer->next - 1] : 0;
    while (peer->sent < until) {
        ssize_t taken = send(peer->fd, peer->bytes + peer->sent, until - peer->sent, MSG_NOSIGNAL);
        if (taken < 0) {
            if (errno == EAGAIN) return;
            die("send");
        }
        peer->sent += taken;
    }
}

static void release(Peer *peer, double due) {
    peer->begun[peer->next] = due;
    peer->results[peer->next].status = -1;
    peer->next++;
}

/* Keep so many in flight. */
static void refill(Peer *peer, double now) {
    while (now < stop_at && peer->next < peer->count && peer->next - peer->answered < (uint32_t)in_flight)
        release(peer, now);
    flush_out(peer);
}

static void answered(Peer *peer, long request, long status, double now) {
    if (request < 0 || request >= peer->next || peer->results[request].status != -1) {
        fprintf(stderr, "a reply to request %ld, which is not waiting for one\n", request);
        exit(1);
    }
    peer->results[request] = (Result){status, (uint32_t)((now - peer->begun[request]) * 1e6)};
    peer->answered++;
    last_reply = now;
}

/* Take one WebSocket frame off `at`; bytes taken, 0 if it is not all there. */
static size_t take_frame(Peer *peer, const uint8_t *at, size_t left, double now) {
    const uint8_t *payload;
    size_t size, taken = frame_at(at, left, &payload, &size);
    if (taken && (at[0] & 15) == 8) die("the server said goodbye");
    if (taken && (at[0] & 15) == 1) {
        long id = number_after(payload, size, "\"id\":"), status = number_after(payload, size, "\"status\":");
        if (status != 200) fprintf(stderr, "refused: %.*s\n", (int)(size > 300 ? 300 : size), payload);
        answered(peer, id, status, now);
    }
    return taken;
}

/* Take one HTTP response off `at`, likewise. */
static size_t take_response(Peer *peer, const uint8_t *at, size_t left, double now) {
    const uint8_t *end = memmem(at, left, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = end + 4 - at, body = 0;
    for (const uint8_t *line = at; line < end; line = (const uint8_t *)memmem(line, end + 2 - line, "\r\n", 2) + 2)
        if (!strncasecmp((const char *)line, "content-length:", 15)) body = strtol((const char *)line + 15, NULL, 10);
    if (left < head + body) return 0;
    long status = strtol((const char *)at + 9, NULL, 10);
    if (status != 200) fprintf(stderr, "refused: %.*s\n", (int)(body > 300 ? 300 : body), at + head);
    answered(peer, peer->answered, status, now);
    return head + body;
}

static void receive(Peer *peer) {
    for (;;) {
        ssize_t got = recv(peer->fd, peer->in + peer->filled, sizeof peer->in - peer->filled, 0);
        if (got == 0) die("the server hung up");
        if (got < 0) {
            if (errno == EAGAIN) return;
            die("recv");
        }
        double now = seconds_now(CLOCK_MONOTONIC);
        size_t at = 0, taken;
        peer->filled += got;
        do {
            taken = (websocket ? take_frame : take_response)(peer, peer->in + at, peer->filled - at, now);
            at += taken;
        } while (taken && at < peer->filled);
        memmove(peer->in, peer->in + at, peer->filled - at);
        peer->filled -= at;
    }
}

static int unanswered(void) {
    for (uint32_t i = 0; i < peer_count; i++)
        if (peers[i].answered < peers[i].next) return 1;
    return 0;
}

static void tell(const char *path, double began) {
    FILE *file = fopen(path, "wb");
    uint64_t sent = 0;
    for (uint32_t i = 0; i < peer_count; i++) {
        sent += peers[i].next;
        fwrite(peers[i].results, sizeof(Result), peers[i].count, file);
    }
    if (fclose(file)) die(path);
    printf("%.6f %lu %.6f\n", last_reply - began, (unsigned long)sent, cpu_seconds());
}

/* Release all that is due by `now`, in turn over the connections; when the next is due, 0: nothing more. */
static double release_due(double now, double due) {
    static uint32_t turn;
    while (due && due <= now) {
        Peer *peer = &peers[turn++ % peer_count];
        if (peer->next >= peer->count || due >= stop_at) return 0;
        release(peer, due);
        flush_out(peer);
        due += -log(((roll() >> 11) + 1) / 9007199254740993.0) / rate;
    }
    return due;
}

static void wake_at(int timer, double due) {
    struct itimerspec when = {.it_value = {(time_t)due, (long)((due - (time_t)due) * 1e9)}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void open_loop(int epoll, double due) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct epoll_event events[64], event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event);
    double give_up = stop_at + 10;
    while ((due || unanswered()) && seconds_now(CLOCK_MONOTONIC) < give_up) {
        due = release_due(seconds_now(CLOCK_MONOTONIC), due);
        wake_at(timer, due ? due : give_up);
        int ready = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < ready; i++) {
            Peer *peer = events[i].data.ptr;
            if (!peer) continue;
            receive(peer);
            flush_out(peer);
        }
    }
}

static void closed_loop(int epoll) {
    struct epoll_event events[64];
    for (uint32_t i = 0; i < peer_count; i++) refill(&peers[i], seconds_now(CLOCK_MONOTONIC));
    while (unanswered() && seconds_now(CLOCK_MONOTONIC) < stop_at + 10) {
        int ready = epoll_wait(epoll, events, 64, 1000);
        for (int i = 0; i < ready; i++) {
            receive(events[i].data.ptr);
            refill(events[i].data.ptr, seconds_now(CLOCK_MONOTONIC));
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 10) die("orders KIND HOST PORT PATH SCRIPT RESULTS IN_FLIGHT SECONDS RATE");
    const char *host = argv[2], *path = argv[4];
    int port = atoi(argv[3]), epoll = epoll_create1(EPOLL_CLOEXEC);
    websocket = !strcmp(argv[1], "ws");
    in_flight = atoi(argv[7]);
    rate = atof(argv[9]);
    lift_limits();
    read_script(argv[5]);
    for (uint32_t i = 0; i < peer_count; i++) {
        peers[i].fd = dial(host, port, 0);
        if (websocket) upgrade(peers[i].fd, host, port, path);
        unblock(peers[i].fd);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = &peers[i]};
        epoll_ctl(epoll, EPOLL_CTL_ADD, peers[i].fd, &event);
    }
    double began = last_reply = seconds_now(CLOCK_MONOTONIC);
    stop_at = began + atof(argv[8]);
    if (rate > 0)
        open_loop(epoll, began + 1 / rate);
    else
        closed_loop(epoll);
    tell(argv[6], began);
    return 0;
}
